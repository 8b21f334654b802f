using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Culvert.Flows;
using Culvert.Platform;

namespace Culvert.Sessions;

/// <summary>
/// Drives one side of a session (<see cref="VshpSession"/>): gives it bytes, time and a lock, and its flows the shape of connections and associations. The session outlives its transports;
/// each is carried by <see cref="CarryAsync"/> until it dies. For use from many threads: whoever does something to the session does it under one lock, and on leaving it acts on what
/// the session has to say (<see cref="Turn"/>). Nobody waits or calls others' code within; those whom it wakes go on behind it, readers on the same thread.
/// </summary>
internal sealed partial class SessionDriver : IAsyncDisposable
{
    /// <summary>Bytes of datagrams that wait in all associations at most.</summary>
    public const int MaxDatagramsWaiting = 4 << 20;

    /// <summary>Echoes of ours under way at most.</summary>
    public const int MaxEchoes = 128;

    private readonly Lock _gate = new();
    private readonly VshpSession _session;
    private readonly TimeProvider _clock;
    private readonly long _start;
    private readonly ITimer _timer;
    private readonly bool _isDevice;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<uint, TaskCompletionSource<ReadOnlyMemory<byte>>> _echoes = [];
    private TaskCompletionSource<TimeSpan>? _sign; // PONG
    private CulvertException? _failure;
    private uint _lastEcho;
    private bool _left; // the other side goes away
    private long _armed = long.MaxValue;
    private Wake? _firstWoken; // in this turn
    private Wake? _lastWoken;

    private SessionDriver(VshpOptions options, Hello? hello, TimeProvider clock)
    {
        _clock = clock;
        _start = clock.GetTimestamp();
        _isDevice = hello is null;
        // What may be unacknowledged at a time, in large blocks: fewer are allocated anew for each window of a bulk transfer.
        Pool = new PacketPool(keepSmall: 256, keepLarge: options.MaxUnacknowledged / PacketPool.LargeSize);
        _session = hello is { } greeting ? VshpSession.Accept(options, Pool, greeting, Now) : VshpSession.Connect(options, Pool, Now);
        _timer = clock.CreateTimer(static d => ((SessionDriver)d!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Who acts on what the other side asks for; null refuses it all with NotCarried. Set before the first transport is carried.</summary>
    public SessionAnswers? Answers { get; set; }

    /// <summary>Completes when the other side has greeted; fails when the session is over before.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Completes when the session is over, for whatever reason: <see cref="Failure"/>.</summary>
    public Task Over => _over.Task;

    /// <summary>Why it is over; null while it is not.</summary>
    public CulvertException? Failure => Volatile.Read(ref _failure);

    /// <summary>The same as a reason; of a session that goes on it means nothing.</summary>
    public VshpReason EndReason => _session.EndReason;

    /// <summary>The other side has greeted: flows can be opened, and wait where there is no transport just now.</summary>
    public bool IsReady => _ready.Task.IsCompletedSuccessfully;

    /// <summary>It takes new flows, as far as is known.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate)
            {
                return !_session.IsOver && _session.OpenRefusal != VshpReason.ShuttingDown;
            }
        }
    }

    /// <summary>A frame has come since the session was attached last.</summary>
    public bool HeardSinceAttach => _session.HeardSinceAttach;

    /// <summary>A transport carries it, as far as is known.</summary>
    public bool IsCarried => Volatile.Read(ref _connection) is not null && _session.HeardSinceAttach;

    /// <summary>The shortest round trip on this transport; null as long as none is known.</summary>
    public TimeSpan? RoundTrip => _session.RoundTrip is > 0 and long trip ? TimeSpan.FromMicroseconds(trip) : null;

    /// <summary>What both sides carry, once ready.</summary>
    public VshpCapabilities Capabilities => _session.Capabilities;

    /// <summary>Streams and associations that are open.</summary>
    public int OpenFlows => _session.OpenFlows;

    /// <summary>What the session has done so far.</summary>
    public SessionCounters Counters => _session.Counters;

    /// <summary>The blocks of this session, for tests that count them.</summary>
    internal PacketPool Pool { get; }

    /// <summary>Bytes of datagrams that wait in associations; under the lock.</summary>
    internal int DatagramsWaiting { get; set; }

    /// <summary>The clock's time in its own unit.</summary>
    internal long Timestamp => _clock.GetTimestamp();

    private long Now => (long)_clock.GetElapsedTime(_start).TotalMicroseconds;

    /// <summary>The device's side of a new session.</summary>
    public static SessionDriver Connect(VshpOptions options, TimeProvider clock) => new(options, null, clock);

    /// <summary>The gateway's side, for a device that said <paramref name="hello"/>.</summary>
    public static SessionDriver Accept(VshpOptions options, in Hello hello, TimeProvider clock) => new(options, hello, clock);

    /// <summary>Opens a stream to <paramref name="destination"/> and returns when the far side has connected.</summary>
    /// <exception cref="CulvertException">Why it has not; <paramref name="what"/> starts the sentence.</exception>
    public async ValueTask<IConnection> OpenAsync(VshpDestination destination, string what, CancellationToken cancellation)
    {
        SessionConnection connection;
        using (Enter())
        {
            connection = new SessionConnection(this, _session.Open(destination, Now) ?? throw Refusal(what), what);
        }

        return await OpenedAsync(connection, cancellation);
    }

    /// <summary>Opens a UDP association and returns when the other side has it.</summary>
    /// <exception cref="CulvertException">Why it has not.</exception>
    public async ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation)
    {
        SessionAssociation association;
        using (Enter())
        {
            association = new SessionAssociation(this, _session.Associate() ?? throw Refusal("The UDP association"));
        }

        return await OpenedAsync(association, cancellation);
    }

    /// <summary>Has one DNS message answered by the other side.</summary>
    /// <exception cref="CulvertException">Why there is no answer.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> AskAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation)
    {
        const string What = "The question to the gateway";
        if (message.Length is < VshpQuestion.MinLength or > ushort.MaxValue)
        {
            throw new CulvertException(FailureKind.Protocol, $"{What} failed: a DNS message has 12 to 65,535 bytes.");
        }

        TaskCompletionSource<ReadOnlyMemory<byte>> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        VshpQuestion question;
        using (Enter())
        {
            question = _session.Ask(message.Span)
                ?? throw SessionFailures.Of(_session.OpenRefusal is VshpReason.None ? VshpReason.LimitReached : _session.OpenRefusal, What);
            question.Tag = answer;
        }

        try
        {
            return await answer.Task.WaitAsync(cancellation);
        }
        finally
        {
            using (Enter())
            {
                question.Release();
            }
        }
    }

    /// <summary>Pings <paramref name="destination"/> from the other side; the payload that came back. A ping that is lost is waited for until <paramref name="cancellation"/>.</summary>
    /// <exception cref="CulvertException">Why there is no answer.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> EchoAsync(VshpDestination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        const string What = "The ping";
        TaskCompletionSource<ReadOnlyMemory<byte>> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        uint number;
        using (Enter())
        {
            if (_session.IsOver)
            {
                throw Refusal(What);
            }

            if (_echoes.Count >= MaxEchoes)
            {
                throw new CulvertException(FailureKind.LimitReached, $"{What} failed: {MaxEchoes} are under way.");
            }

            number = ++_lastEcho;
            if (!_session.SendEcho(number, destination, payload.Span))
            {
                throw new CulvertException(FailureKind.NotCarried, $"{What} failed: it is too long.");
            }

            _echoes.Add(number, answer);
        }

        try
        {
            return await answer.Task.WaitAsync(cancellation);
        }
        finally
        {
            using (Enter())
            {
                _echoes.Remove(number);
            }
        }
    }

    /// <summary>Asks the other side for a sign of life, and returns when it has come, over this transport or over the next: the round trip.</summary>
    /// <exception cref="CulvertException">The session is over.</exception>
    public Task<TimeSpan> ProbeAsync(CancellationToken cancellation)
    {
        using (Enter())
        {
            if (Failure is { } failure)
            {
                return Task.FromException<TimeSpan>(failure);
            }

            _session.Probe(Now);
            _sign ??= new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
            return _sign.Task.WaitAsync(cancellation);
        }
    }

    /// <summary>From now on nothing new is taken from the other side; what is open goes on.</summary>
    public void GoAway(string text)
    {
        using (Enter())
        {
            _session.GoAway(VshpReason.ShuttingDown, text);
        }
    }

    /// <summary>Ends the session for both sides; the other is told where there is a transport.</summary>
    public void End(VshpReason reason, string text)
    {
        using (Enter())
        {
            _session.End(reason, text);
        }
    }

    /// <summary>Ends a session that has not begun, for what stood in the way.</summary>
    public void Fail(CulvertException failure)
    {
        using (Enter())
        {
            if (!_session.IsOver)
            {
                _failure = failure;
                _session.End(VshpReason.ExitUnreachable, "");
            }
        }
    }

    /// <summary>Ends the session and returns when its last transport is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        End(VshpReason.ShuttingDown, "");
        await _transport.WaitAsync().ConfigureAwait(false);
        _transport.Release();
        await _timer.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Begins a turn at the session; disposing ends it.</summary>
    internal Turn Enter()
    {
        _gate.Enter();
        return new Turn(this);
    }

    /// <summary>Whoever waits to write goes on behind this turn. On the writer's thread where that one is, which would have nothing else to do before long; never on the reader's, whom it might keep.</summary>
    internal void WakeWriter(Wake wake) => Wake(wake, elsewhere: !_byWriter);

    /// <summary>Whoever waits goes on behind this turn: on the same thread, or <paramref name="elsewhere"/>. Remembers nothing where nobody waits.</summary>
    internal void Wake(Wake wake, bool elsewhere)
    {
        if (!wake.TryTake())
        {
            return;
        }

        wake.Elsewhere = elsewhere;
        if (_lastWoken is null)
        {
            _firstWoken = wake;
        }
        else
        {
            _lastWoken.Next = wake;
        }

        _lastWoken = wake;
    }

    /// <summary>Wakes <paramref name="wake"/> when <paramref name="cancellation"/> comes.</summary>
    internal CancellationTokenRegistration Register(Wake wake, CancellationToken cancellation) => !cancellation.CanBeCanceled
        ? default
        : cancellation.UnsafeRegister(
            static state =>
            {
                (SessionDriver driver, Wake waiter) = ((SessionDriver, Wake))state!;
                using (driver.Enter())
                {
                    driver.Wake(waiter, elsewhere: true);
                }
            },
            (this, wake));

    /// <summary>Answers a ping of the other side.</summary>
    internal void AnswerEcho(uint number, ReadOnlySpan<byte> payload)
    {
        using (Enter())
        {
            _session.AnswerEcho(number, payload);
        }
    }

    /// <summary>Says why there is no answer to a ping of the other side.</summary>
    internal void RefuseEcho(uint number, VshpReason reason)
    {
        using (Enter())
        {
            _session.RefuseEcho(number, reason);
        }
    }

    /// <summary>Answers a question of the other side; an answer that is no DNS message is refused as a defect.</summary>
    internal void Answer(VshpQuestion question, ReadOnlySpan<byte> message)
    {
        using (Enter())
        {
            if (message.Length is < VshpQuestion.MinLength or > ushort.MaxValue)
            {
                question.Refuse(VshpReason.Bug);
            }
            else
            {
                question.Answer(message);
            }
        }
    }

    /// <summary>Says why there is no answer to a question of the other side.</summary>
    internal void Refuse(VshpQuestion question, VshpReason reason)
    {
        using (Enter())
        {
            question.Refuse(reason);
        }
    }

    private static async ValueTask<T> OpenedAsync<T>(T flow, CancellationToken cancellation)
        where T : SessionFlow
    {
        try
        {
            await flow.OpenedAsync(cancellation);
            return flow;
        }
        catch
        {
            await flow.DisposeAsync();
            throw;
        }
    }

    private static Bytes32 NewTicket()
    {
        Span<byte> bytes = stackalloc byte[Bytes32.Size];
        SystemRandom.Fill(bytes);
        return new Bytes32(bytes);
    }

    private CulvertException Refusal(string what) => Failure ?? SessionFailures.Of(_session.OpenRefusal, what);

    private void OnTimer()
    {
        using (Enter())
        {
            _armed = long.MaxValue;
            _session.Advance(Now);
        }
    }

    /// <summary>Who was told that the other side goes away ends the session behind the last flow.</summary>
    private void EndIfLeft()
    {
        if (_left && _isDevice && !_session.IsOver && _session.OpenFlows == 0)
        {
            _session.End(VshpReason.ShuttingDown, "");
            while (_session.TryNextEvent(out SessionEvent happened))
            {
                Handle(happened);
            }
        }
    }

    /// <summary>The timer only ever comes earlier than it is set to: one that comes too early is set again.</summary>
    private void Arm()
    {
        long next = _session.NextDeadline;
        if (next < _armed)
        {
            _armed = next;
            _timer.Change(TimeSpan.FromMilliseconds(Math.Max(0, (next - Now + 999) / 1000)), Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Ends a turn: acts on events, offers what is to be sent, sets the timer.</summary>
    private void Leave()
    {
        try
        {
            do
            {
                while (_session.TryNextEvent(out SessionEvent happened))
                {
                    Handle(happened);
                }

                EndIfLeft();
            }
            while (Offer());
            Arm();
        }
        finally
        {
            Wake? woken = _firstWoken;
            (_firstWoken, _lastWoken, _byWriter) = (null, null, false);
            _gate.Exit();
            while (woken is not null)
            {
                Wake? next = woken.Next;
                woken.Next = null; // from here on it may be woken again
                woken.Complete();
                woken = next;
            }
        }
    }

    /// <summary>One thing that is done to the session, under its lock.</summary>
    internal readonly ref struct Turn(SessionDriver driver)
    {
        /// <summary>Ends it.</summary>
        public void Dispose() => driver.Leave();
    }
}
