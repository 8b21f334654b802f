using System;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

// Time: what is due when, and what happens then.
public sealed partial class TcpFlow
{
    /// <summary>Time-outs in a row without an answer before the peer is given up (RFC 9293 section 3.8.3: R2).</summary>
    private const int MaxBackoffs = 15;

    /// <summary>Answers to a SYN that are sent before it is given up.</summary>
    private const int MaxSynBackoffs = 5;

    /// <summary>Keep-alive probes that may go unanswered, and the time between them (as in Linux).</summary>
    private const int MaxKeepAliveProbes = 9;
    private const long KeepAliveInterval = 75_000_000;

    /// <summary>How long a flow that its user has released waits for the peer's FIN.</summary>
    private const long OrphanTimeout = 60_000_000;

    /// <summary>A tail loss probe waits two round trips and so much more; longer when a single segment is out, whose ACK may be delayed (RFC 8985 section 7.2).</summary>
    private const long ProbeSlack = 2_000;
    private const long PeerAckDelay = 200_000;

    private int _backoffs; // time-outs in a row
    private int _unanswered; // probes of a window, or keep-alives, in a row
    private long _restartedAt; // the retransmission timer runs from here
    private long _probeAt = long.MaxValue; // tail loss probe
    private long _persistAt = long.MaxValue;
    private long _lingerUntil = long.MaxValue; // TIME_WAIT, or an orphan's wait
    private long _sendAt = long.MaxValue;
    private SendTimer _sendTimer;

    private enum SendTimer : byte
    {
        None,
        Handshake,
        Retransmit,
        Probe,
        Reorder,
        Persist,
    }

    /// <summary>The timer that <see cref="Deadline"/> is for.</summary>
    internal string DeadlineReason =>
        Deadline == long.MaxValue ? "None"
        : Deadline == _ackAt ? "DelayedAck"
        : Deadline == _sendAt ? _sendTimer switch
        {
            SendTimer.Handshake => "Handshake",
            SendTimer.Retransmit => "Retransmit",
            SendTimer.Probe => "TailProbe",
            SendTimer.Reorder => "Reorder",
            _ => "Persist",
        }
        : Deadline == _lingerUntil ? _state == TcpState.TimeWait ? "TimeWait" : "Orphan"
        : "KeepAlive";

    private long KeepAliveAt =>
        _options.KeepAlive == 0 || _state is < TcpState.Established or >= TcpState.TimeWait || _board.Count > 0 || _persistAt != long.MaxValue ? long.MaxValue
        : _unanswered == 0 ? _heardAt + _options.KeepAlive
        : _heardAt + _options.KeepAlive + (_unanswered * KeepAliveInterval);

    /// <summary>Runs what is due.</summary>
    internal void OnDeadline(long now)
    {
        if (_ackAt <= now)
        {
            _ackAt = long.MaxValue;
            _pending |= Pending.Ack;
        }

        if (_lingerUntil <= now)
        {
            Close(TcpCloseReason.Finished, tell: false);
            return;
        }

        if (_sendAt <= now)
        {
            OnSendTimer(now);
        }
        else if (KeepAliveAt <= now)
        {
            Probe(MaxKeepAliveProbes, now);
        }

        Settle(now);
    }

    private void OnSendTimer(long now)
    {
        switch (_sendTimer)
        {
            case SendTimer.Handshake:
                TimeOutHandshake(now);
                break;
            case SendTimer.Retransmit:
                TimeOut(now);
                break;
            case SendTimer.Probe:
                ProbeTail(now);
                break;
            case SendTimer.Reorder:
                DetectLosses(advances: false, now);
                if (_phase == Phase.Open && _board.LostBytes > 0)
                {
                    EnterRecovery(delivered: 0, now);
                }
                else if (_phase == Phase.Recovery)
                {
                    ReduceProportionally(0, safe: false);
                }

                break;
            case SendTimer.Persist:
                ProbeWindow(now);
                break;
        }
    }

    private void TimeOutHandshake(long now)
    {
        if (++_backoffs > MaxSynBackoffs)
        {
            Close(TcpCloseReason.TimedOut);
            return;
        }

        _restartedAt = now;
        _pending |= Pending.Syn;
    }

    private void TimeOut(long now)
    {
        if (_backoffs >= MaxBackoffs)
        {
            Close(TcpCloseReason.TimedOut);
            return;
        }

        _stack.Counters.Timeouts++;
        if (_phase == Phase.Open)
        {
            _windowBefore = _congestion.Window;
            _thresholdBefore = _congestion.SlowStartThreshold;
            _timedOutAt = now;
        }

        if (_phase == Phase.Open || (_phase == Phase.Loss && _backoffs == 0))
        {
            _congestion.Reduce(); // once for the losses of a window, whose recovery has done it already
        }

        _backoffs++;
        _congestion.Window = _mss;
        _phase = Phase.Loss;
        _recoveryPoint = _nextToSend;
        _duplicates = 0;
        _probing = false;
        _probeAt = long.MaxValue;
        _reorderAt = long.MaxValue;
        _restartedAt = now;
        _sendOne = true;
        _board.MarkAllLost(distrustSacks: _board[0].Has(SentFlags.Sacked));
    }

    /// <summary>Sends something new, or the last segment again, so that the peer's SACK shows what of the tail is lost (RFC 8985 section 7.3).</summary>
    private void ProbeTail(long now)
    {
        _probeAt = long.MaxValue;
        _restartedAt = now;
        _probing = true;
        _stack.Counters.TailProbes++;
        int usable = Seq.Distance(_nextToSend, _unacknowledged + (uint)_sendWindow);
        _probeRepeats = _finSent || _board.IsFull || Math.Min(Seq.Distance(_nextToSend, _queue.End), usable) < 1;
        if (_probeRepeats)
        {
            int last = _board.Count - 1;
            if (_board[last].Length > _mss)
            {
                _board.Split(last, _board[last].End - (uint)_mss);
                last++;
            }

            _board.MarkLost(last);
            _probeEnd = _nextToSend;
        }
        else
        {
            _probeEnd = _nextToSend + 1;
        }

        _sendOne = true;
    }

    /// <summary>The window is closed, or nearly: sends what fits, or asks whether it is still (RFC 9293 section 3.8.6.1).</summary>
    private void ProbeWindow(long now)
    {
        _persistAt = long.MaxValue;
        if (Seq.Greater(_unacknowledged + (uint)_sendWindow, _nextToSend))
        {
            _overrideSillyWindow = true;
            return;
        }

        Probe(MaxBackoffs, now);
    }

    private void Probe(int most, long now)
    {
        if (_unanswered >= most)
        {
            Close(TcpCloseReason.TimedOut);
            return;
        }

        _unanswered++;
        _pending |= Pending.Probe;
    }

    private void EnterTimeWait(long now)
    {
        _state = TcpState.TimeWait;
        _board.Clear();
        _lingerUntil = now + _options.TimeWait;
        CloseReason = TcpCloseReason.Finished;
        _stack.EntersTimeWait(this);
        _stack.Raise(StackEventKind.TcpClosed, this);
    }

    /// <summary>When a tail loss probe is due after a new segment or acknowledgment.</summary>
    private long ProbeTime(long now)
    {
        if (!_sacks || !_rtt.HasSample || _phase != Phase.Open || _probing)
        {
            return long.MaxValue;
        }

        bool single = Seq.Distance(_unacknowledged, _nextToSend) <= _mss;
        return now + (2 * _rtt.Smoothed) + (single ? PeerAckDelay : ProbeSlack);
    }

    private void ArmTimers(long now)
    {
        (_sendTimer, _sendAt) = NextSendTimer(now);
        SetDeadline(Math.Min(Math.Min(_ackAt, _sendAt), Math.Min(_lingerUntil, KeepAliveAt)));
    }

    private (SendTimer Timer, long At) NextSendTimer(long now)
    {
        if (_state is TcpState.SynSent or TcpState.SynReceived)
        {
            // Before the first SYN is out there is nothing to time.
            return (_pending & Pending.Syn) != 0 ? (SendTimer.None, long.MaxValue) : (SendTimer.Handshake, _restartedAt + _rtt.Timeout(_backoffs));
        }

        if (_state is < TcpState.Established or >= TcpState.TimeWait)
        {
            return (SendTimer.None, long.MaxValue);
        }

        if (_board.Count == 0)
        {
            return NextPersist(now);
        }

        _persistAt = long.MaxValue;
        long timeout = _restartedAt + _rtt.Timeout(_backoffs);
        if (_reorderAt < timeout)
        {
            return (SendTimer.Reorder, _reorderAt);
        }

        bool probes = _phase == Phase.Open && !_probing && _board.SackedSegments == 0 && _board.LostBytes == 0;
        return probes && _probeAt < timeout ? (SendTimer.Probe, _probeAt) : (SendTimer.Retransmit, timeout);
    }

    private (SendTimer Timer, long At) NextPersist(long now)
    {
        bool waits = (_queue.End != _nextToSend || _finishing) && !_finSent && !TryPlan(out _);
        if (!waits)
        {
            _persistAt = long.MaxValue;
            return (SendTimer.None, long.MaxValue);
        }

        if (_persistAt == long.MaxValue)
        {
            _persistAt = now + _rtt.Timeout(_unanswered);
        }

        return (SendTimer.Persist, _persistAt);
    }

    private void SetDeadline(long deadline)
    {
        if (deadline != Deadline)
        {
            Deadline = deadline;
            _stack.Deadlines.Update(this);
        }
    }
}
