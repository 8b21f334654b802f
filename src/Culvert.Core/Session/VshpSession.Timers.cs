using System;

namespace Culvert.Core.Session;

/// <summary>What happens because time passes: acknowledgments, heartbeats, and the end of patience.</summary>
public sealed partial class VshpSession
{
    /// <summary>So many bytes are acknowledged at once.</summary>
    private const int AckBytes = 256 << 10;

    /// <summary>And so many frames, which cost their sender more than their bytes.</summary>
    private const int AckFrames = 256;

    private const long Never = long.MaxValue;

    /// <summary>The round trip is measured at most so often.</summary>
    private const long SampleInterval = 1_000_000;

    private bool _ackDue;
    private bool _pingDue;
    private bool _silent; // the transport was said to be dead
    private long _acknowledged; // bytes of the other's sequence that we said have arrived
    private long _ackAt = Never;
    private int _framesToAck;
    private long _heardAt;
    private long _waitsSince = Never; // when we sent the first lasting frame or datagram since we heard anything
    private bool _unconfirmed; // a device has heard of flows, and since then no answer to a PING: were the transport dead, it alone could open another
    private long _pingSentAt = Never;
    private long _pingNumber;
    private bool _probed; // who probed is told
    private long _pingedAt;
    private long _detachedAt;

    /// <summary>The shortest round trip on this transport, in microseconds; 0 as long as none is known.</summary>
    public long RoundTrip { get; private set; }

    /// <summary>When <see cref="Advance"/> must be called next; long.MaxValue for never.</summary>
    public long NextDeadline => Next(out _);

    /// <summary>Why, for traces and tests: the name of the timer that is due next.</summary>
    public string NextDeadlineReason
    {
        get
        {
            Next(out string reason);
            return reason;
        }
    }

    /// <summary>Runs the timers that are due.</summary>
    public void Advance(long now)
    {
        while (Next(out string reason) <= now)
        {
            switch (reason)
            {
                case nameof(Deadline.Ack):
                    _ackDue = true;
                    _ackAt = Never;
                    break;
                case nameof(Deadline.Heartbeat):
                    _pingDue = true;
                    _pingSentAt = now;
                    break;
                case nameof(Deadline.Resume):
                    Stop(VshpReason.SessionLost, "No transport was found in time.", tell: false);
                    break;
                default:
                    _silent = true;
                    Raise(SessionEventKind.TransportSilent);
                    break;
            }
        }
    }

    /// <summary>The machine woke up, or its network changed: whether the transport still lives is to be known soon. An event Pong follows, when need be over the next transport.</summary>
    public void Probe(long now)
    {
        _probed = true;
        if (_state == SessionState.Attached && _pingSentAt == Never)
        {
            _pingDue = true;
            _pingSentAt = now;
        }
    }

    private enum Deadline
    {
        Ack,
        Heartbeat,
        Silence,
        Greeting,
        Resume,
    }

    private long Next(out string reason)
    {
        switch (_state)
        {
            case SessionState.Detached when _greeted:
                reason = nameof(Deadline.Resume);
                return _detachedAt + ResumeWindow;
            case SessionState.Greeting when !_silent:
                reason = nameof(Deadline.Greeting);
                return _heardAt + Options.GreetingTimeout;
            case SessionState.Attached:
                long life = NextSign(out reason);
                if (_ackAt < life)
                {
                    reason = nameof(Deadline.Ack);
                    return _ackAt;
                }

                return life;
            default:
                reason = "None";
                return Never;
        }
    }

    private long NextSign(out string reason)
    {
        reason = nameof(Deadline.Silence);
        if (_silent)
        {
            return Never;
        }

        if (_pingSentAt != Never)
        {
            return Math.Max(_pingSentAt, _heardAt) + Options.HeartbeatTimeout;
        }

        reason = nameof(Deadline.Heartbeat);
        return _waitsSince != Never ? _waitsSince + Options.Heartbeat
            : _unconfirmed ? _heardAt + Options.Heartbeat
            : _heardAt + (_isDevice ? Options.IdleHeartbeat : Options.IdleHeartbeat * 3 / 2); // one of the two is enough
    }

    /// <summary>A transport is there.</summary>
    private void Attached(long now)
    {
        _state = SessionState.Attached;
        _heardAt = now;
        _silent = false;
        _pingSentAt = Never;
        _waitsSince = Never;
        _pingDue = !_isDevice && _greeted;
        _pongDue = false;
        _ackDue = false;
        _ackAt = Never;
        _unconfirmed = false;
        RoundTrip = 0;
        HeardSinceAttach = false;
    }

    private void Heard(long now)
    {
        _heardAt = now;
        _waitsSince = Never;
    }

    private void NoteSent(long now) => _waitsSince = Math.Min(_waitsSince, now);

    /// <summary>A lasting frame has come, and is to be acknowledged before long.</summary>
    private void NoteAcknowledgeable(long now)
    {
        _framesToAck++;
        _unconfirmed = _isDevice;
        if (!CanResume || _ackDue)
        {
            return;
        }

        _ackDue = _received - _acknowledged >= AckBytes || _framesToAck >= AckFrames;
        _ackAt = _ackDue ? Never : Math.Min(_ackAt, now + Options.AckDelay);
    }

    private void NoteAcknowledged()
    {
        _acknowledged = _received;
        _framesToAck = 0;
        _ackDue = false;
        _ackAt = Never;
    }

    /// <summary>The round trip is measured along with what opens flows and windows, which is when it matters; the first one was that of two programs that had just begun.</summary>
    private bool WantsRoundTrip(long now) => (_firstWaiting is not null || _windowDue) && _pingSentAt == Never && now - _pingedAt >= SampleInterval;

    private long NextPing(long now)
    {
        _pingDue = false;
        _pingSentAt = now;
        _pingedAt = now;
        return _pingNumber = now & (long)(Number.Bound - 1);
    }

    private void OnPong(long number, long now)
    {
        if (_pingSentAt == Never || _pingDue || number != _pingNumber)
        {
            return;
        }

        _unconfirmed = false;
        long sample = Math.Max(now - _pingSentAt, 1);
        RoundTrip = RoundTrip == 0 ? sample : Math.Min(RoundTrip, sample);
        _pingSentAt = Never;
        if (_probed)
        {
            _probed = false;
            _events.Enqueue(new SessionEvent(SessionEventKind.Pong, Number: (uint)Math.Min(sample, uint.MaxValue)));
        }
    }
}
