using System;
using System.Security.Cryptography;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// The entry for packets: reads them from a link, has the stack make flows of them, and relays each flow to the exit. DNS
/// to any address is answered by the names policy, never sent on as it is.
/// </summary>
public sealed class TunEntry : IAsyncDisposable
{
    // Packets read, and packets written, in one turn: enough to amortise the turn, few enough to keep both directions moving.
    private const int Batch = 64;

    // The same in bytes, for super-segments: a keystroke waits for one such share each way, not for 64 times 64 KiB.
    private const int BatchBytes = 1024 * 1024;

    // How often idle flows are looked for, in microseconds.
    private const long SweepInterval = 10_000_000;

    // How long flows may take to unwind at the end, in microseconds, before the loop ends without them.
    private const long UnwindLimit = 2_000_000;

    private readonly ILink _link;
    private readonly PacketPool _pool = new();
    private readonly IpStack _stack;
    private readonly LinkLoop _loop;
    private readonly TunContext _context;
    private readonly EchoRelay _echo;
    private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
    private PacketBuffer? _spare;
    private bool _started;
    private long _nextSweep;
    private long _stopBy = long.MaxValue;
    private CulvertException? _linkFailure;

    /// <summary>An entry on <paramref name="link"/>, which it owns from now on.</summary>
    /// <param name="link">Where packets come from.</param>
    /// <param name="exit">Where flows leave.</param>
    /// <param name="names">Answers DNS, and turns fake addresses back into names.</param>
    /// <param name="options">Limits.</param>
    /// <param name="warn">Told, once a cause, when the exit refuses everything; a sentence for a person.</param>
    public TunEntry(ILink link, IExit exit, NameService names, TunOptions? options = null, Action<string>? warn = null)
    {
        options ??= new TunOptions();
        _link = link;
        Span<byte> secret = stackalloc byte[32];
        RandomNumberGenerator.Fill(secret);
        _stack = new IpStack(options.Stack with { Mtu = link.Mtu, Offloads = link.Offloads, CutsDatagrams = link.CutsDatagrams }, secret, _pool);
        _loop = new LinkLoop(link, Turn);
        ISocketWatcher? sockets = options.DriveSockets ? link as ISocketWatcher : null;
        IDialer dialer = sockets is null ? SocketDialer.Instance : new LoopDialer(_loop, sockets);
        _context = new TunContext(_stack, _pool, sockets, dialer, exit, names, options, warn);
        _echo = new EchoRelay(_context);
    }

    /// <summary>
    /// Ends when the entry has been disposed of; faulted with a <see cref="CulvertException"/> when the link is gone, or with a bug of ours.
    /// </summary>
    public Task Completion => _loop.Completion;

    /// <summary>Packets that the link could not take, and that were dropped for that.</summary>
    public long WriteDrops { get; private set; }

    /// <summary>TCP and UDP flows that have not unwound; read from any thread, it may be a moment old.</summary>
    internal int ActiveFlows => _context.ActiveFlows;

    /// <summary>Blocks of packets not given back; 0 once everything is over.</summary>
    internal int OutstandingBlocks => _pool.Outstanding;

    /// <summary>Begins to carry traffic.</summary>
    public void Start()
    {
        _started = true;
        _loop.Start();
    }

    /// <summary>Resets all flows, ends the loop and closes the link.</summary>
    public async ValueTask DisposeAsync()
    {
        _loop.Post(static entry => ((TunEntry)entry!).Stop(), this);
        try
        {
            if (_started)
            {
                await _loop.Completion.ConfigureAwait(false);
            }
        }
        catch (CulvertException)
        {
            // Whoever awaits Completion was told.
        }
        finally
        {
            _link.Dispose();
        }
    }

    private void Stop()
    {
        if (_stopBy == long.MaxValue)
        {
            _stopBy = LinkLoop.Now + UnwindLimit;
            _context.AbortAll();
        }
    }

    private long Turn(long now)
    {
        bool more = false;
        if (_linkFailure is null)
        {
            try
            {
                more = ReadPackets(now);
            }
            catch (CulvertException e)
            {
                Fail(e);
            }
        }

        if (_stack.NextDeadline <= now)
        {
            _stack.Advance(now);
        }

        Sweep(now);
        _context.GiveTurns();
        HandleEvents(now);
        _context.Datagrams.Send();
        try
        {
            more |= WritePackets(now);
        }
        catch (CulvertException e)
        {
            Fail(e);
        }

        more |= _context.HasTurns;

        if (_stopBy != long.MaxValue && ((_context.ActiveFlows == 0 && !more) || now >= _stopBy))
        {
            _spare?.Release();
            _spare = null;
            _context.Datagrams.Dispose();
            return _linkFailure is null ? LinkLoop.Finished : throw _linkFailure;
        }

        return more ? now : Math.Min(Math.Min(_stack.NextDeadline, _stopBy), _context.ActiveFlows > 0 ? _nextSweep : long.MaxValue);
    }

    private void Fail(CulvertException linkFailure)
    {
        _linkFailure = linkFailure;
        Stop();
    }

    private bool ReadPackets(long now)
    {
        int bytes = 0;
        for (int i = 0; i < Batch && bytes < BatchBytes; i++)
        {
            PacketBuffer buffer = _spare ?? _pool.Rent(_link.Offloads ? PacketPool.LargeSize : _link.Mtu);
            _spare = null;
            if (!_link.TryRead(buffer))
            {
                _spare = buffer;
                return false;
            }

            bytes += buffer.Length;
            _stack.Receive(buffer, now);
        }

        return true;
    }

    private bool WritePackets(long now)
    {
        int bytes = 0;
        for (int i = 0; i < Batch && bytes < BatchBytes; i++)
        {
            if (!_stack.TryTransmit(now, _scratch, out OutgoingPacket packet))
            {
                return false;
            }

            bytes += packet.Length;
            if (_linkFailure is null && !_link.TryWrite(packet))
            {
                WriteDrops++;
            }
        }

        return true;
    }

    private void HandleEvents(long now)
    {
        while (_stack.TryNextEvent(out StackEvent happened))
        {
            switch (happened.Kind)
            {
                case StackEventKind.TcpOpening when _stopBy != long.MaxValue:
                    happened.Tcp!.Refuse(Refusal.Silent, now);
                    break;
                case StackEventKind.Datagram or StackEventKind.EchoRequest when _stopBy != long.MaxValue:
                    happened.Buffer!.Release();
                    break;
                case StackEventKind.TcpOpening:
                    _context.Open(happened.Tcp!);
                    break;
                case StackEventKind.TcpReadable:
                    (happened.Tcp!.Tag as TcpTask)?.Readable();
                    break;
                case StackEventKind.TcpWritable:
                    (happened.Tcp!.Tag as TcpTask)?.Writable();
                    break;
                case StackEventKind.TcpClosed:
                    (happened.Tcp!.Tag as TcpTask)?.Closed();
                    break;
                case StackEventKind.Datagram:
                    _context.Datagram(happened.Udp!, happened.Destination, happened.Buffer!, now);
                    break;
                case StackEventKind.UdpClosed:
                    (happened.Udp!.Tag as UdpRelay)?.Close();
                    break;
                case StackEventKind.EchoRequest:
                    _echo.Begin(happened.Buffer!);
                    break;
                default:
                    throw new InvalidOperationException($"The stack told of something new: {happened.Kind}.");
            }
        }
    }

    private void Sweep(long now)
    {
        if (now >= _nextSweep)
        {
            _nextSweep = now + SweepInterval;
            _context.Sweep(now);
        }
    }
}
