using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Platform;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// One queue of a link: its thread, the stack that makes flows of its packets, and the relays of these. UDP and ping belong to the first queue alone, so that
/// an application's endpoint has one association whatever it talks to; what the kernel sent elsewhere before the first answer is handed over.
/// </summary>
internal sealed class LinkQueue : IDisposable
{
    // Packets read, and packets written, in one turn: enough to amortise the turn, few enough to keep both directions moving.
    private const int Batch = 64;

    // The same in bytes, for super-segments: a keystroke waits for one such share each way, not for 64 times 64 KiB.
    private const int BatchBytes = 1024 * 1024;

    // How often idle flows are looked for, in microseconds.
    private const long SweepInterval = 10_000_000;

    // How long flows may take to unwind at the end, in microseconds, before the loop ends without them.
    private const long UnwindLimit = 2_000_000;

    // Packets of other queues that wait for this one; as many as an interface's own queue.
    private const int MaxHanded = 512;

    private readonly ILink _link;
    private readonly LinkQueue? _first;
    private readonly ConcurrentQueue<Handed> _handed = new();
    private readonly PacketPool _pool = new();
    private readonly IpStack _stack;
    private readonly LinkLoop _loop;
    private readonly TunContext _context;
    private readonly EchoRelay _echo;
    private readonly CancellationTokenSource _ending = new();
    private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
    private readonly List<TaskCompletionSource> _refused = [];
    private PacketBuffer? _spare;
    private long _nextSweep;
    private long _stopBy = long.MaxValue;
    private bool _refuses;
    private bool _wrote;
    private CulvertException? _linkFailure;

    /// <summary>A queue that owns <paramref name="link"/>; <paramref name="first"/> is the link's first queue, null for that itself.</summary>
    public LinkQueue(ILink link, IExit exit, NameService names, TunOptions options, ExitTrouble trouble, LinkQueue? first)
    {
        _link = link;
        _first = first;
        Span<byte> secret = stackalloc byte[32];
        SystemRandom.Fill(secret);
        _stack = new IpStack(options.Stack with { Mtu = link.Mtu, Offloads = link.Offloads, CutsDatagrams = link.CutsDatagrams }, secret, _pool);
        _loop = new LinkLoop(link, Turn);
        ISocketWatcher? sockets = options.DriveSockets ? link as ISocketWatcher : null;
        IDialer dialer = sockets is null ? SocketDialer.Instance : new LoopDialer(_loop, sockets, _ending.Token);
        _context = new TunContext(_stack, _pool, sockets, dialer, exit, names, options, trouble, _ending.Token);
        _echo = new EchoRelay(_context);
    }

    /// <summary>Ends when the queue has been stopped; faulted with a <see cref="CulvertException"/> when the link is gone, or with a bug of ours.</summary>
    public Task Completion => _loop.Completion;

    /// <summary>Packets that the link could not take, and that were dropped for that.</summary>
    public long WriteDrops { get; private set; }

    /// <summary>TCP and UDP flows that have not unwound; read from any thread, it may be a moment old.</summary>
    public int ActiveFlows => _context.ActiveFlows;

    /// <summary>Blocks of packets not given back; 0 once everything is over.</summary>
    public int OutstandingBlocks => _pool.Outstanding;

    /// <summary>Begins to carry traffic.</summary>
    public void Start() => _loop.Start();

    /// <summary>Resets all flows, and from now on all that comes. From any thread; ends when the resets are where they belong, or soon after.</summary>
    public Task RefuseAsync()
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _loop.Post(
            static state =>
            {
                (LinkQueue queue, TaskCompletionSource done) = ((LinkQueue, TaskCompletionSource))state!;
                queue.Refuse();
                queue._refused.Add(done);
            },
            (this, done));
        return Task.WhenAny(done.Task, Completion, Task.Delay(TimeSpan.FromMicroseconds(UnwindLimit)));
    }

    /// <summary>Resets all flows and ends the loop. From any thread.</summary>
    public void Stop() => _loop.Post(static queue => ((LinkQueue)queue!).BeginToStop(), this);

    /// <summary>Closes the link; the loop has ended, or never begun.</summary>
    public void Dispose() => _link.Dispose();

    private void BeginToStop()
    {
        if (_stopBy == long.MaxValue)
        {
            _stopBy = LinkLoop.Now + UnwindLimit;
            Refuse();
        }
    }

    private void Refuse()
    {
        if (!_refuses)
        {
            _refuses = true;
            _ending.Cancel();
            _context.AbortAll();
            _stack.AbortAll(LinkLoop.Now);
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

        ReceiveHanded(now);
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

        more |= _context.HasTurns || !_handed.IsEmpty;
        if (_refuses)
        {
            // Whoever disagrees about where a connection stands answers its reset, and is reset by that.
            more |= _wrote && _linkFailure is null;
            if (!_wrote)
            {
                _refused.ForEach(static done => done.TrySetResult());
                _refused.Clear();
            }
        }

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
        BeginToStop();
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
            if (_first is not null && !IsTcp(buffer.Span))
            {
                _first.TakeOver(buffer);
                _spare = buffer;
            }
            else
            {
                _stack.Receive(buffer, now);
            }
        }

        return true;
    }

    private static bool IsTcp(ReadOnlySpan<byte> packet) => IpHeader.TryParse(packet, out IpHeader ip) && ip is { Protocol: IpProtocol.Tcp, IsFragment: false };

    // On the other queue's thread: the block stays with its own pool, the packet is copied. Like any queue of a network, a full one drops.
    private void TakeOver(PacketBuffer packet)
    {
        if (_handed.Count < MaxHanded)
        {
            byte[] bytes = ArrayPool<byte>.Shared.Rent(packet.Length);
            packet.Span.CopyTo(bytes);
            _handed.Enqueue(new Handed(bytes, packet.Length, packet.Offload));
            _link.Wake();
        }
    }

    private void ReceiveHanded(long now)
    {
        for (int i = 0; i < Batch && _handed.TryDequeue(out Handed packet); i++)
        {
            PacketBuffer buffer = _pool.Rent(packet.Length);
            packet.Bytes.AsSpan(0, packet.Length).CopyTo(buffer.Array);
            ArrayPool<byte>.Shared.Return(packet.Bytes);
            buffer.Start = 0;
            buffer.Length = packet.Length;
            buffer.Offload = packet.Offload;
            _stack.Receive(buffer, now);
        }
    }

    private bool WritePackets(long now)
    {
        int bytes = 0;
        _wrote = false;
        for (int i = 0; i < Batch && bytes < BatchBytes; i++)
        {
            if (!_stack.TryTransmit(now, _scratch, out OutgoingPacket packet))
            {
                return false;
            }

            _wrote = true;

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
                case StackEventKind.TcpOpening when _refuses:
                    happened.Tcp!.Refuse(Refusal.Refused, now);
                    break;
                case StackEventKind.Datagram or StackEventKind.EchoRequest when _refuses:
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

    private readonly record struct Handed(byte[] Bytes, int Length, PacketOffload Offload);
}
