using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Platform;
using Culvert.Sessions;
using Culvert.Trust;

namespace Culvert.Gateway;

/// <summary>
/// The accepting side of VSHP: transports come in, each is read one frame of, and begins a session or goes on with one. Whatever a device asks for passes its policy. The exit behind, the
/// trust store and whatever listens stay their makers'. For use from many threads.
/// </summary>
internal sealed class VshpGateway : IAsyncDisposable
{
    private const string Local = "local";

    private readonly IExit _exit;
    private readonly Func<KeyHash?, Policy> _policy;
    private readonly ExitOptions _exitOptions;
    private readonly TrustStore _trust;
    private readonly GatewayOptions _options;
    private readonly ulong _instance = SystemRandom.Next() >> 11; // below 2^53
    private readonly Lock _lock = new();
    private readonly ResumeTable<Held> _table;
    private readonly HashSet<Held> _sessions = [];
    private bool _stopping;

    /// <summary>A gateway that serves nobody yet.</summary>
    /// <param name="exit">Where what devices ask for leaves.</param>
    /// <param name="policy">What the device with this key may reach, as it is now; null is whoever may use a transport of this machine. Asked often.</param>
    /// <param name="exitOptions">How names are looked up.</param>
    /// <param name="trust">Whom it serves.</param>
    /// <param name="options">Its limits.</param>
    public VshpGateway(IExit exit, Func<KeyHash?, Policy> policy, ExitOptions exitOptions, TrustStore trust, GatewayOptions options)
    {
        _exit = exit;
        _policy = policy;
        _exitOptions = exitOptions;
        _trust = trust;
        _options = options;
        _table = new ResumeTable<Held>(options.MaxSessions);
        trust.Changed += EndRevoked;
    }

    /// <summary>Sessions now, those without a transport included.</summary>
    public int Sessions
    {
        get
        {
            lock (_lock)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>
    /// Serves one transport, which it takes over, until it is closed. Never fails for what the other side does.
    /// </summary>
    /// <param name="connection">The transport; not a byte of it read.</param>
    /// <param name="key">The key that the device has shown, and proved to have; null on a transport whose users are this machine's affair: a Unix socket, standard input and output.</param>
    /// <param name="from">The address that it comes from; null where there are none.</param>
    /// <param name="cancellation">Drops the transport.</param>
    public async Task ServeAsync(IConnection connection, KeyHash? key, IPAddress? from, CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(static c => ((IConnection)c!).Abort(), connection);
        try
        {
            byte[] bytes = new byte[FirstFrame.MaxSize];
            (FirstFrameKind kind, FirstFrame first, int count) = await Deadline.RunAsync(
                _options.FirstFrameTime, "The first frame", token => ReadFirstAsync(connection, bytes, token), cancellation).ConfigureAwait(false);
            await ServeAsync(connection, key, from, kind, first, bytes.AsMemory(first.Length, count - first.Length), cancellation).ConfigureAwait(false);
        }
        catch (CulvertException)
        {
            // It went away, or took too long. There is nobody to tell.
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Dropped.
        }
        finally
        {
            connection.Abort();
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Takes nothing new, lets what is open go on for <see cref="GatewayOptions.Grace"/>, and ends all sessions.</summary>
    public async ValueTask DisposeAsync()
    {
        _trust.Changed -= EndRevoked;
        Held[] all;
        lock (_lock)
        {
            _stopping = true;
            all = [.. _sessions];
        }

        foreach (Held held in all)
        {
            held.Driver.GoAway("The gateway is being stopped.");
        }

        try
        {
            await Task.WhenAll(all.Select(static h => h.Driver.Over)).WaitAsync(_options.Grace).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What is still open then is reset.
        }

        foreach (Held held in all)
        {
            held.Driver.End(VshpReason.ShuttingDown, "The gateway was stopped.");
        }

        await Task.WhenAll(all.Select(static h => h.Gone.Task)).ConfigureAwait(false);
    }

    private static async ValueTask<(FirstFrameKind Kind, FirstFrame First, int Count)> ReadFirstAsync(IConnection connection, byte[] bytes, CancellationToken cancellation)
    {
        int count = 0;
        while (true)
        {
            int read = await connection.ReadAsync(bytes.AsMemory(count), cancellation).ConfigureAwait(false);
            count += read;
            FirstFrameKind kind = FirstFrame.Read(bytes.AsSpan(0, count), out FirstFrame first);
            if (kind != FirstFrameKind.Incomplete || read == 0)
            {
                return (kind, first, count);
            }
        }
    }

    private async Task ServeAsync(IConnection connection, KeyHash? key, IPAddress? from, FirstFrameKind kind, FirstFrame first, ReadOnlyMemory<byte> rest, CancellationToken cancellation)
    {
        switch (kind)
        {
            case FirstFrameKind.Hello or FirstFrameKind.Resume when !IsTrusted(key):
                _options.Say("A device that is not paired was turned away.");
                await EndAsync(connection, new Ending(VshpReason.Authentication, "This gateway does not know this device.")).ConfigureAwait(false);
                break;
            case FirstFrameKind.Hello:
                await GreetAsync(connection, key, first.Hello, rest).ConfigureAwait(false);
                break;
            case FirstFrameKind.Resume:
                await ResumeAsync(connection, key, first.Resume, rest).ConfigureAwait(false);
                break;
            case FirstFrameKind.Pairing when key is { } shown && _options.Pairing is { } desk:
                await desk.ServeAsync(connection, shown, from, first.Offer, rest, cancellation).ConfigureAwait(false);
                break;
            case FirstFrameKind.Pairing:
                byte[] reason = new byte[2];
                BinaryPrimitives.WriteUInt16BigEndian(reason, (ushort)VshpReason.PairingExpired); // none is open
                await SayAsync(connection, FrameType.PairDone, reason).ConfigureAwait(false);
                break;
        }
    }

    private bool IsTrusted(KeyHash? key) => key is not { } known || _trust.Find(PeerKind.Device, known) is not null;

    private async Task GreetAsync(IConnection connection, KeyHash? key, Hello hello, ReadOnlyMemory<byte> rest)
    {
        if (Begin(key, hello, out VshpReason refusal) is not { } held)
        {
            await EndAsync(connection, new Ending(refusal, refusal == VshpReason.LimitReached ? "Too many sessions are open." : "The gateway is being stopped.")).ConfigureAwait(false);
            return;
        }

        EndRevoked(); // it may have been since it was looked for
        if (key is { } known)
        {
            try
            {
                _trust.Seen(PeerKind.Device, known, _options.Clock.GetUtcNow());
            }
            catch (CulvertException e)
            {
                _options.Say(e.Message);
            }
        }

        await held.Driver.CarryAsync(connection, null, rest).ConfigureAwait(false);
    }

    private Held? Begin(KeyHash? key, in Hello hello, out VshpReason refusal)
    {
        PolicyExit exit = new(_exit, () => _policy(key), _exitOptions);
        VshpOptions options = _options.Session with { Capabilities = Offered(exit.Capabilities), Instance = _instance };
        lock (_lock)
        {
            refusal = _stopping ? VshpReason.ShuttingDown
                : _sessions.Count >= _options.MaxSessions || _sessions.Count(h => h.Key == key) >= _options.MaxSessionsOfDevice ? VshpReason.LimitReached
                : VshpReason.None;
            if (refusal != VshpReason.None)
            {
                return null;
            }

            SessionAnswers answers = new(exit, _options.Limits, e => _options.Say($"A defect in a session: {e}"));
            Held held = new(SessionDriver.Accept(options, hello, _options.Clock), answers, key);
            held.Driver.Answers = answers;
            _sessions.Add(held);
            _table.TryAdd(hello.Ticket, Device(key), held); // where there is no room for it, the device learns so when it wants to go on
            _ = ForgetAsync(held);
            return held;
        }
    }

    private async Task ResumeAsync(IConnection connection, KeyHash? key, Resume resume, ReadOnlyMemory<byte> rest)
    {
        VshpReason reason;
        Held? held;
        lock (_lock)
        {
            reason = _table.TryTake(resume, Device(key), static h => !h.Taken && h.Driver.HeardSinceAttach, out held);
            if (held is not null)
            {
                held.Taken = true;
            }
        }

        if (held is null)
        {
            byte[] payload = new byte[Gone.Size];
            new Gone(reason, _instance).Write(payload);
            await SayAsync(connection, FrameType.Gone, payload).ConfigureAwait(false);
            return;
        }

        await held.Driver.CarryAsync(connection, resume, rest, () => held.Taken = false).ConfigureAwait(false);
    }

    private async Task ForgetAsync(Held held)
    {
        await held.Driver.Over.ConfigureAwait(false);
        lock (_lock)
        {
            _table.Remove(held);
            _sessions.Remove(held);
        }

        held.Answers.Dispose();
        await held.Driver.DisposeAsync().ConfigureAwait(false);
        held.Gone.TrySetResult();
    }

    /// <summary>Ends the sessions of devices that are trusted no more.</summary>
    private void EndRevoked()
    {
        Held[] all;
        lock (_lock)
        {
            all = [.. _sessions];
        }

        foreach (Held held in all)
        {
            if (!IsTrusted(held.Key))
            {
                held.Driver.End(VshpReason.Revoked, "This device was revoked.");
            }
        }
    }

    private static string Device(KeyHash? key) => key?.ToString() ?? Local;

    private static VshpCapabilities Offered(ExitCapabilities exit) => VshpCapabilities.Resume
        | ((exit & ExitCapabilities.Datagrams) != 0 ? VshpCapabilities.Datagrams : 0)
        | ((exit & ExitCapabilities.Resolve) != 0 ? VshpCapabilities.Resolve : 0)
        | ((exit & ExitCapabilities.Echo) != 0 ? VshpCapabilities.Echo : 0);

    private static async Task EndAsync(IConnection connection, Ending ending)
    {
        byte[] payload = new byte[Ending.MaxSize];
        int length = ending.Write(payload);
        await SayAsync(connection, FrameType.End, payload.AsMemory(0, length)).ConfigureAwait(false);
    }

    /// <summary>Says one frame, and waits a little for the other side to close, so that it is not lost in a reset.</summary>
    private static async Task SayAsync(IConnection connection, FrameType type, ReadOnlyMemory<byte> payload)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, FrameFlags.None, (ushort)payload.Length, 0).Write(frame);
        payload.CopyTo(frame.AsMemory(FrameHeader.Size));
        await Deadline.RunAsync(
            SessionDriver.Farewell,
            "The farewell",
            async token =>
            {
                await connection.WriteAsync(new ReadOnlySequence<byte>(frame), token).ConfigureAwait(false);
                await connection.FinishAsync(token).ConfigureAwait(false);
                while (await connection.ReadAsync(frame, token).ConfigureAwait(false) > 0)
                {
                    // What it still had to say.
                }

                return true;
            },
            default).ConfigureAwait(false);
    }

    private sealed class Held(SessionDriver driver, SessionAnswers answers, KeyHash? key)
    {
        public SessionDriver Driver { get; } = driver;

        public SessionAnswers Answers { get; } = answers;

        public KeyHash? Key { get; } = key;

        /// <summary>A transport was taken for it, and waits for the one before to end: no frame has come on it.</summary>
        public volatile bool Taken;

        /// <summary>Completes when it is over and its last transport closed.</summary>
        public TaskCompletionSource Gone { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
