using System;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>
/// One side of VSHP (docs/protocol.md) without sockets, clocks, threads or randomness: bytes and the time come in, bytes, events and the next deadline go out. Its user has a transport, gives what
/// comes from it to <see cref="Receive"/>, and sends what <see cref="Transmit"/> gives; when the transport dies, it calls <see cref="Detach"/> and attaches another. All times are
/// microseconds of one monotonic clock. Belongs to one loop: not safe for use from two threads at a time.
/// </summary>
public sealed partial class VshpSession
{
    private readonly Dictionary<uint, Numbered> _table = [];
    private readonly Queue<SessionEvent> _events = new();
    private readonly bool _isDevice;
    private SessionState _state;
    private Bytes32 _ticket; // a device's: the one that the gateway knows
    private Bytes32 _nextTicket; // the one that RESUME offers, until it is answered
    private Hello _peer;
    private bool _greeted;
    private uint _lastOurs;
    private uint _lastTheirs;
    private int _ourFlows;
    private int _ourQuestions;
    private int _theirFlows;
    private int _theirQuestions;
    private bool _peerGoesAway;
    private bool _goingAway;
    private long _startedAt;

    private VshpSession(VshpOptions options, PacketPool pool, bool isDevice, long now)
    {
        options.Validate();
        Options = options;
        Pool = pool;
        _isDevice = isDevice;
        _startedAt = now;
        _log = new FrameLog(pool);
        _window = new ReceiveWindow(options.SessionWindow, 1, now);
    }

    private enum SessionState : byte
    {
        /// <summary>No transport.</summary>
        Detached,

        /// <summary>A device waits for the gateway's first frame.</summary>
        Greeting,

        /// <summary>Frames go both ways.</summary>
        Attached,

        /// <summary>It is over.</summary>
        Over,
    }

    /// <summary>What both sides carry; known once <see cref="SessionEventKind.Ready"/>.</summary>
    public VshpCapabilities Capabilities { get; private set; }

    /// <summary>What it has done so far.</summary>
    public SessionCounters Counters { get; } = new();

    /// <summary>The session is over: <see cref="EndReason"/>.</summary>
    public bool IsOver => _state == SessionState.Over;

    /// <summary>Frames go both ways.</summary>
    public bool IsAttached => _state == SessionState.Attached;

    /// <summary>The session outlives its transport.</summary>
    public bool CanResume => (Capabilities & VshpCapabilities.Resume) != 0;

    /// <summary>For how long, in microseconds.</summary>
    public long ResumeWindow { get; private set; }

    /// <summary>The gateway's number, as it said; a device compares it with that of <see cref="PeerInstance"/> after GONE.</summary>
    public ulong PeerInstance { get; private set; }

    /// <summary>What the other side runs, in its own words.</summary>
    public string PeerSoftware => _peer.Software ?? "";

    /// <summary>The other side's figures, as of the last Stats event.</summary>
    public VshpStats PeerStats { get; private set; }

    /// <summary>Why it is over, or <see cref="VshpReason.None"/>.</summary>
    public VshpReason EndReason { get; private set; }

    /// <summary>The same in words, for people: ours or the other side's. Also those of GOAWAY.</summary>
    public string EndText { get; private set; } = "";

    /// <summary>The other side said so, not we.</summary>
    public bool EndedByPeer { get; private set; }

    /// <summary>The gateway was restarted since: its session, and all in it, is gone.</summary>
    public bool GatewayRestarted { get; private set; }

    /// <summary>Why nothing can be opened now; None where it can.</summary>
    public VshpReason OpenRefusal =>
        _state == SessionState.Over ? EndReason
        : !_greeted ? VshpReason.ExitUnreachable
        : _peerGoesAway || _lastOurs > uint.MaxValue - 4 ? VshpReason.ShuttingDown
        : _ourFlows >= _peer.Flows ? VshpReason.LimitReached
        : VshpReason.None;

    /// <summary>Something will come before long: the other side has not acknowledged all that it was sent.</summary>
    public bool AwaitsAnswer => CanResume && _log.End > _log.Start;

    /// <summary>Streams and associations that are open.</summary>
    public int OpenFlows => _ourFlows + _theirFlows;

    internal VshpOptions Options { get; }

    internal PacketPool Pool { get; }

    internal ReadBlockPool Blocks { get; } = new();

    /// <summary>Bytes of the other side's sequence that have come in whole frames.</summary>
    internal long SequenceReceived => _received;

    /// <summary>Bytes of our sequence that were handed to a transport.</summary>
    internal long SequenceHanded => _log.Handed;

    /// <summary>The last id that the other side has used.</summary>
    internal uint LastTheirs => _lastTheirs;

    internal long PeerStreamWindow => _peer.StreamWindow;

    /// <summary>The device's side of a session; it begins with <see cref="Attach"/>.</summary>
    public static VshpSession Connect(VshpOptions options, PacketPool pool, long now) => new(options, pool, isDevice: true, now);

    /// <summary>The gateway's side, on the transport whose first frame was <paramref name="hello"/> (<see cref="FirstFrame"/>).</summary>
    public static VshpSession Accept(VshpOptions options, PacketPool pool, in Hello hello, long now)
    {
        VshpSession session = new(options, pool, isDevice: false, now);
        session.Attached(now);
        if (hello.LowestVersion > Hello.CurrentVersion || hello.Version < Hello.CurrentVersion)
        {
            session.Stop(VshpReason.Version, $"This gateway speaks version {Hello.CurrentVersion}.", tell: true);
            return session;
        }

        session.Greet(hello, now);
        session._greeting = session.MakeHello(default);
        return session;
    }

    /// <summary>
    /// A device's transport is there: greets on it, or attaches the session to it. <paramref name="fresh"/> is a ticket of unpredictable bytes that was never given before.
    /// </summary>
    public void Attach(Bytes32 fresh, long now)
    {
        if (!_isDevice || _state != SessionState.Detached)
        {
            throw new InvalidOperationException("A device attaches a session that is detached and not over.");
        }

        Attached(now);
        _state = SessionState.Greeting;
        if (!_greeted)
        {
            _ticket = fresh;
            _greeting = MakeHello(fresh);
            return;
        }

        _nextTicket = _nextTicket.IsNone ? fresh : _nextTicket; // said again as it was, or the gateway would take it for somebody else's
        _resume = new Resume(Hello.CurrentVersion, _ticket, _nextTicket, _received);
    }

    /// <summary>A gateway's session goes on over another transport, whose first frame was <paramref name="resume"/>; the one before must be closed by now.</summary>
    public void Reattach(in Resume resume, long now)
    {
        if (_isDevice || _state == SessionState.Over)
        {
            throw new InvalidOperationException("A gateway attaches a session that is not over.");
        }

        if (_state == SessionState.Attached)
        {
            Detach(now);
        }

        Attached(now);
        Counters.Resumes++;
        if (resume.Version != Hello.CurrentVersion || !_log.TryRewind(resume.Received))
        {
            Violation("RESUME does not go with what was sent.");
            return;
        }

        _resumedDue = true;
        Raise(SessionEventKind.Resumed);
    }

    /// <summary>
    /// The transport is gone, and nothing is being written to it any more. A session that can go on waits for another; one that cannot is over.
    /// </summary>
    public void Detach(long now)
    {
        if (_inTransit)
        {
            Transmitted(now);
        }

        _partial?.Release();
        _partial = null;
        DropOutgoingDatagrams();
        _greeting = null;
        _resume = null;
        _endDue = false;
        if (_state is SessionState.Over or SessionState.Detached)
        {
            return;
        }

        _state = SessionState.Detached;
        _detachedAt = now;
        if (_greeted && !CanResume)
        {
            Stop(VshpReason.SessionLost, "The transport was lost.", tell: false);
        }
    }

    /// <summary>Asks for a connection; null for the reason that <see cref="OpenRefusal"/> gives. Bytes may be written at once.</summary>
    public VshpStream? Open(in VshpDestination destination, long now)
    {
        if (OpenRefusal != VshpReason.None)
        {
            return null;
        }

        VshpStream stream = new(this, NextId(), isOurs: true, destination, now);
        _ourFlows++;
        _table.Add(stream.Id, stream);
        return stream;
    }

    /// <summary>Asks for a UDP endpoint; null for the reason that <see cref="OpenRefusal"/> gives. Datagrams may be sent at once.</summary>
    public VshpAssociation? Associate()
    {
        if (OpenRefusal != VshpReason.None)
        {
            return null;
        }

        VshpAssociation association = new(this, NextId(), isOurs: true);
        _ourFlows++;
        _table.Add(association.Id, association);
        return association;
    }

    /// <summary>Asks for the answer to a DNS message of 12 to 65,535 bytes; null where too many questions are open, or none can be asked.</summary>
    public VshpQuestion? Ask(ReadOnlySpan<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(message.Length, VshpQuestion.MinLength, nameof(message));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Length, FrameHeader.MaxPayload, nameof(message));
        if (OpenRefusal is not (VshpReason.None or VshpReason.LimitReached) || _ourQuestions >= _peer.Exchanges)
        {
            return null;
        }

        VshpQuestion question = new(this, NextId(), isOurs: true, message);
        _ourQuestions++;
        _table.Add(question.Id, question);
        return question;
    }

    /// <summary>From now on, nothing new is taken from the other side; what is open goes on.</summary>
    public void GoAway(VshpReason reason, string text)
    {
        if (!_goingAway && !IsOver)
        {
            _goingAway = true;
            _goAway = new GoAway(_lastTheirs, reason, text);
        }
    }

    /// <summary>Ends the session for both sides. The transport is to be closed once <see cref="Transmit"/> gives no more.</summary>
    public void End(VshpReason reason, string text) => Stop(reason, text, tell: true);

    /// <summary>The next thing to act on.</summary>
    public bool TryNextEvent(out SessionEvent happened)
    {
        while (_events.TryDequeue(out happened))
        {
            if (happened.Subject is not { } subject)
            {
                _controlBytes -= happened.Kind == SessionEventKind.Control ? happened.Buffer!.Capacity : 0;
                return true;
            }

            subject.QueuedEvents &= ~(1 << (int)happened.Kind);
            if (!subject.IsReleased)
            {
                return true;
            }
        }

        return TryNextDatagram(out happened);
    }

    /// <summary>Queues an event of a flow, at most one of each kind at a time.</summary>
    internal void Raise(SessionEventKind kind, Numbered subject)
    {
        int bit = 1 << (int)kind;
        if ((subject.QueuedEvents & bit) == 0 && !subject.IsReleased)
        {
            subject.QueuedEvents |= bit;
            _events.Enqueue(new SessionEvent(kind, subject));
        }
    }

    internal void Remove(Numbered numbered)
    {
        _table.Remove(numbered.Id);
        if (numbered.IsOurs)
        {
            (_ourFlows, _ourQuestions) = numbered is VshpQuestion ? (_ourFlows, _ourQuestions - 1) : (_ourFlows - 1, _ourQuestions);
        }

        Released(numbered);
    }

    /// <summary>It is over, or released; what the other side has open here becomes less when it is both.</summary>
    internal void Released(Numbered numbered)
    {
        if (numbered.IsCounted && numbered.IsOver && numbered.IsReleased)
        {
            numbered.IsCounted = false;
            (_theirFlows, _theirQuestions) = numbered is VshpQuestion ? (_theirFlows, _theirQuestions - 1) : (_theirFlows - 1, _theirQuestions);
        }
    }

    /// <summary>A block with a copy of these bytes, the caller's to release.</summary>
    internal PacketBuffer Copy(ReadOnlySpan<byte> bytes)
    {
        PacketBuffer buffer = Pool.Rent(bytes.Length);
        bytes.CopyTo(buffer.Array);
        buffer.Length = bytes.Length;
        return buffer;
    }

    private uint NextId() => _lastOurs = _lastOurs == 0 ? (_isDevice ? 1u : 2u) : _lastOurs + 2;

    private Hello MakeHello(Bytes32 ticket) => new()
    {
        Version = Hello.CurrentVersion,
        LowestVersion = Hello.CurrentVersion,
        ResumeSeconds = (ushort)(Options.ResumeWindow / 1_000_000),
        Capabilities = Options.Capabilities,
        StreamWindow = (uint)Options.StreamWindow,
        SessionWindow = (uint)Options.SessionWindow,
        Flows = (uint)Options.MaxFlows,
        Exchanges = (ushort)Options.MaxExchanges,
        Instance = Options.Instance,
        Ticket = ticket,
        Software = Options.Software,
    };

    /// <summary>The other side's first frame.</summary>
    private void Greet(in Hello hello, long now)
    {
        _greeted = true;
        _peer = hello;
        PeerInstance = hello.Instance;
        Capabilities = hello.Capabilities & Options.Capabilities;
        ResumeWindow = Math.Min(hello.ResumeSeconds * 1_000_000L, Options.ResumeWindow);
        if (ResumeWindow == 0)
        {
            Capabilities &= ~VshpCapabilities.Resume;
        }

        _sendLimit = hello.SessionWindow;
        _state = SessionState.Attached;
        _startedAt = now;
        _pingDue = true; // the first round trip is what windows grow by
        Raise(SessionEventKind.Ready);
    }

    private void Raise(SessionEventKind kind, VshpReason reason = VshpReason.None) => _events.Enqueue(new SessionEvent(kind, Reason: reason));

    private void Violation(string text) => Stop(VshpReason.Protocol, text, tell: true);

    private void Stop(VshpReason reason, string text, bool tell)
    {
        if (IsOver)
        {
            return;
        }

        bool reachable = _state != SessionState.Detached;
        _state = SessionState.Over;
        EndReason = reason;
        EndText = text;
        _endDue = tell && reachable;
        _greeting = reason == VshpReason.Version ? null : _greeting;
        foreach (Numbered numbered in (Numbered[])[.. _table.Values])
        {
            numbered.Close(reason == VshpReason.None ? VshpReason.Reset : reason, tell: true);
        }

        DropLine();
        _log.Abandon();
        DropOutgoingDatagrams();
        _partial?.Release();
        _partial = null;
        Raise(SessionEventKind.Ended, reason);
    }
}
