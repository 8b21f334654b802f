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
            Caller caller = new(connection, key, from, bytes.AsMemory(first.Length, count - first.Length));
            await ServeAsync(caller, kind, first, cancellation).ConfigureAwait(false);
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

    private async Task ServeAsync(Caller caller, FirstFrameKind kind, FirstFrame first, CancellationToken cancellation)
    {
        switch (kind)
        {
            case FirstFrameKind.Hello or FirstFrameKind.Resume when !IsTrusted(caller.Key):
                _options.Tell(new GatewayEvent(GatewayEventKind.Refused, Text(caller.From), "", "unknown-key"));
                await EndAsync(caller.Connection, new Ending(VshpReason.Authentication, "This gateway does not know this device.")).ConfigureAwait(false);
                break;
            case FirstFrameKind.Hello:
                await GreetAsync(caller, first.Hello).ConfigureAwait(false);
                break;
            case FirstFrameKind.Resume:
                await ResumeAsync(caller, first.Resume).ConfigureAwait(false);
                break;
            case FirstFrameKind.Pairing when caller.Key is { } shown && _options.Pairing is { } desk:
                if (await desk.ServeAsync(caller.Connection, shown, caller.From, first.Offer, caller.Rest, cancellation).ConfigureAwait(false)
                    is VshpReason.PairingSecret or VshpReason.PairingExpired or VshpReason.LimitReached)
                {
                    _options.Tell(new GatewayEvent(GatewayEventKind.Refused, Text(caller.From), "", "pairing-code"));
                }

                break;
            case FirstFrameKind.Pairing:
                byte[] reason = new byte[2];
                BinaryPrimitives.WriteUInt16BigEndian(reason, (ushort)VshpReason.PairingExpired); // none is open
                await SayAsync(caller.Connection, FrameType.PairDone, reason).ConfigureAwait(false);
                break;
        }
    }

    private bool IsTrusted(KeyHash? key) => key is not { } known || _trust.Find(PeerKind.Device, known) is not null;

    private async Task GreetAsync(Caller caller, Hello hello)
    {
        if (Begin(caller, hello, out VshpReason refusal) is not { } held)
        {
            await EndAsync(caller.Connection, new Ending(refusal, refusal == VshpReason.LimitReached ? "Too many sessions are open." : "The gateway is being stopped.")).ConfigureAwait(false);
            return;
        }

        EndRevoked(); // it may have been since it was looked for
        if (caller.Key is { } known)
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

        await held.Driver.CarryAsync(caller.Connection, null, caller.Rest).ConfigureAwait(false);
    }

    private Held? Begin(Caller caller, in Hello hello, out VshpReason refusal)
    {
        KeyHash? key = caller.Key;
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
            Held held = new(SessionDriver.Accept(options, hello, _options.Clock), answers, key, NameOf(key)) { From = Text(caller.From) };
            held.Driver.Answers = answers;
            _sessions.Add(held);
            _table.TryAdd(hello.Ticket, Device(key), held); // where there is no room for it, the device learns so when it wants to go on
            _options.Tell(new GatewayEvent(GatewayEventKind.Opened, held.From, held.Device, ""));
            _ = ForgetAsync(held);
            return held;
        }
    }

    private async Task ResumeAsync(Caller caller, Resume resume)
    {
        VshpReason reason;
        Held? held;
        lock (_lock)
        {
            reason = _table.TryTake(resume, Device(caller.Key), static h => !h.Taken && h.Driver.HeardSinceAttach, out held);
            if (held is not null)
            {
                held.Taken = true;
            }
        }

        if (held is null)
        {
            byte[] payload = new byte[Gone.Size];
            new Gone(reason, _instance).Write(payload);
            await SayAsync(caller.Connection, FrameType.Gone, payload).ConfigureAwait(false);
            return;
        }

        await held.Driver.CarryAsync(caller.Connection, resume, caller.Rest, () =>
        {
            held.Taken = false;
            held.From = Text(caller.From);
            _options.Tell(new GatewayEvent(GatewayEventKind.Resumed, held.From, held.Device, ""));
        }).ConfigureAwait(false);
    }

    private async Task ForgetAsync(Held held)
    {
        await held.Driver.Over.ConfigureAwait(false);
        lock (_lock)
        {
            _table.Remove(held);
            _sessions.Remove(held);
        }

        _options.Tell(new GatewayEvent(GatewayEventKind.Closed, held.From, held.Device, Word(held.Driver.EndReason)));
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

    private string NameOf(KeyHash? key) => key is { } known ? _trust.Find(PeerKind.Device, known)?.Name ?? "" : "";

    private static string Text(IPAddress? from) => from?.ToString() ?? Local;

    private static string Word(VshpReason reason) => reason == VshpReason.None
        ? "finished"
        : string.Concat(reason.ToString().Select(static (c, i) => char.IsAsciiLetterUpper(c) ? (i > 0 ? "-" : "") + char.ToLowerInvariant(c) : c.ToString()));

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

    /// <summary>A transport of which the first frame was read.</summary>
    /// <param name="Connection">The transport.</param>
    /// <param name="Key">The key that was shown; null on a transport of this machine.</param>
    /// <param name="From">The address that it comes from; null where there are none.</param>
    /// <param name="Rest">What came behind the first frame.</param>
    private sealed record Caller(IConnection Connection, KeyHash? Key, IPAddress? From, ReadOnlyMemory<byte> Rest);

    private sealed class Held(SessionDriver driver, SessionAnswers answers, KeyHash? key, string device)
    {
        public SessionDriver Driver { get; } = driver;

        public SessionAnswers Answers { get; } = answers;

        public KeyHash? Key { get; } = key;

        /// <summary>The device's name when the session began.</summary>
        public string Device { get; } = device;

        /// <summary>Where its last transport came from.</summary>
        public string From { get; set; } = "";

        /// <summary>A transport was taken for it, and waits for the one before to end: no frame has come on it.</summary>
        public volatile bool Taken;

        /// <summary>Completes when it is over and its last transport closed.</summary>
        public TaskCompletionSource Gone { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
