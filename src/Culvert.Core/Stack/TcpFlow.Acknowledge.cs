using System;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

// What the peer's acknowledgments mean for us as a sender: round trips, losses, the congestion window.
public sealed partial class TcpFlow
{
    /// <summary>Duplicate ACKs that stand for a loss where the peer cannot SACK (RFC 5681 section 3.2).</summary>
    private const int DuplicateThreshold = 3;

    private readonly Scoreboard _board = new();
    private Cubic _congestion;
    private RttEstimator _rtt;
    private Rack _rack;
    private Phase _phase;
    private uint _unacknowledged;
    private uint _recoveryPoint;
    private uint _limitedUpTo; // of what was sent before this, the congestion window held more back
    private int _duplicates; // ACKs that say nothing new, without SACK
    private int _recoveryFlight; // PRR (RFC 6937)
    private int _recoveryDelivered;
    private int _recoverySent;
    private bool _sendOne; // the first retransmission of a recovery goes whatever the window
    private int _windowBefore; // to undo what a needless time-out did
    private int _thresholdBefore;
    private long _timedOutAt = -1;
    private long _reorderAt = long.MaxValue;
    private uint _probeEnd;
    private bool _probing;
    private bool _probeRepeats;
    private int _sendWindow;
    private int _largestWindow;
    private uint _windowSequence;
    private uint _windowAcknowledgment;

    private enum Phase : byte
    {
        /// <summary>Nothing is known to be lost.</summary>
        Open,

        /// <summary>Something was; recovery without a time-out.</summary>
        Recovery,

        /// <summary>A time-out came.</summary>
        Loss,
    }

    /// <summary>Bytes on the path, as far as the congestion window is concerned.</summary>
    private int InFlight => Math.Max(_board.InFlight - (_sacks ? 0 : Math.Min(_duplicates * _mss, _board.InFlight)), 0);

    private void ReceiveAcknowledgment(in TcpHeader header, int length, long now)
    {
        uint acknowledgment = header.Acknowledgment;
        bool advances = Seq.Greater(acknowledgment, _unacknowledged);
        bool sameWindow = TakeWindow(header);
        Delivery delivery = _board.BeginDelivery();
        bool reportsDuplicate = false;
        bool limited = Seq.Less(_unacknowledged, _limitedUpTo);
        if (advances)
        {
            _board.Acknowledge(acknowledgment, ref delivery);
            _unacknowledged = acknowledgment;
            _queue.Acknowledge(Seq.Min(acknowledgment, _queue.End));
            _limitedUpTo = Seq.Max(_limitedUpTo, acknowledgment);
            _backoffs = 0;
            _restartedAt = now;
        }

        if (_sacks && header.SackCount > 0)
        {
            reportsDuplicate = TakeSacks(header, ref delivery);
        }

        bool isDuplicate = !advances && length == 0 && sameWindow && acknowledgment == _unacknowledged && _board.Count > 0 && (header.Flags & TcpFlags.Fin) == 0;
        long echoSentAt = EchoSentAt(header, now);
        TakeRoundTrip(delivery, advances, echoSentAt, now);
        _rack.Update(delivery, now, _rtt.Shortest, echoSentAt);
        EndProbe(acknowledgment, reportsDuplicate, isDuplicate);
        if (_board.Count > 0 || delivery.Bytes > 0)
        {
            React(delivery, advances, isDuplicate, limited, echoSentAt, now);
        }

        if (advances)
        {
            _probeAt = ProbeTime(now);
        }

        if (_finSent && acknowledgment == _nextToSend)
        {
            FinAcknowledged(now);
        }

        if (_resetsWhenDelivered && _unacknowledged == _queue.End)
        {
            Abort(now);
        }

        if (_wantsToWrite && _queue.IsWritable && CanSendEver)
        {
            _wantsToWrite = false;
            _stack.Raise(StackEventKind.TcpWritable, this);
        }
    }

    /// <summary>
    /// Takes the window the segment advertises unless a newer one did (RFC 9293 section 3.10.7.4); true when it is as it was. A segment that acknowledges more is
    /// newer even when its data is old: the window counts from what it acknowledges, and the former window counted from there would be too wide.
    /// </summary>
    private bool TakeWindow(in TcpHeader header)
    {
        bool newer = Seq.Greater(header.Acknowledgment, _unacknowledged)
            || Seq.Less(_windowSequence, header.Sequence)
            || (_windowSequence == header.Sequence && Seq.LessOrEqual(_windowAcknowledgment, header.Acknowledgment));
        if (!newer || Seq.Less(header.Acknowledgment, _unacknowledged))
        {
            return true;
        }

        int window = header.Window << _sendScale;
        bool same = window == _sendWindow;
        _sendWindow = window;
        _largestWindow = Math.Max(_largestWindow, window);
        _windowSequence = Seq.Max(_windowSequence, header.Sequence);
        _windowAcknowledgment = header.Acknowledgment;
        return same;
    }

    private bool TakeSacks(in TcpHeader header, ref Delivery delivery)
    {
        bool reportsDuplicate = false;
        SackBlocks blocks = header.Sacks;
        for (int i = 0; i < header.SackCount; i++)
        {
            (uint left, uint right) = (blocks[i].Left, blocks[i].Right);
            if (!Seq.Less(left, right))
            {
                continue;
            }

            // The first block tells of a duplicate when it lies below the acknowledgment or within the second (RFC 2883 section 4).
            if (i == 0 && (Seq.LessOrEqual(right, header.Acknowledgment)
                || (header.SackCount > 1 && Seq.LessOrEqual(blocks[1].Left, left) && Seq.GreaterOrEqual(blocks[1].Right, right))))
            {
                reportsDuplicate = true;
                _rack.SawDuplicate();
                continue;
            }

            if (Seq.GreaterOrEqual(left, _unacknowledged) && Seq.LessOrEqual(right, _nextToSend))
            {
                _board.Sack(new SeqRange(left, right), ref delivery);
            }
        }

        return reportsDuplicate;
    }

    /// <summary>When the segment that this one answers was sent, by its timestamp: whole milliseconds, rounded down; -1 for unknown.</summary>
    private long EchoSentAt(in TcpHeader header, long now)
    {
        if (!_timestamps || header.TimestampEcho == 0)
        {
            return -1;
        }

        uint age = Timestamp(now) - header.TimestampEcho;
        long sentAt = ((now / 1000) - age) * 1000;
        return age < int.MaxValue && sentAt >= 0 ? sentAt : -1;
    }

    private void TakeRoundTrip(in Delivery delivery, bool advances, long echoSentAt, long now)
    {
        if (delivery.FirstSentAt >= 0 && !delivery.Ambiguous)
        {
            _rtt.Sample(now - delivery.FirstSentAt, now - delivery.LastSentAt);
        }
        else if (advances && delivery.Bytes > 0 && echoSentAt >= 0)
        {
            // Some of it was sent more than once; the timestamp tells which one was answered, to a millisecond (RFC 7323 section 4).
            _rtt.Sample(Math.Max(now - echoSentAt, 1), long.MaxValue);
        }
    }

    private void React(in Delivery delivery, bool advances, bool isDuplicate, bool limited, long echoSentAt, long now)
    {
        int delivered = delivery.Bytes;
        if (!_sacks)
        {
            delivered = CountDuplicates(delivery.Bytes, advances, isDuplicate);
        }

        if (_phase == Phase.Loss && advances && _timedOutAt >= 0)
        {
            UndoIfNeedless(echoSentAt);
        }

        if (_phase != Phase.Open && Seq.GreaterOrEqual(_unacknowledged, _recoveryPoint))
        {
            LeaveRecovery();
        }

        int lostNow = DetectLosses(advances, now);
        if (_phase == Phase.Open)
        {
            if (_board.LostBytes > 0)
            {
                EnterRecovery(delivery.Bytes, now);
            }
            else if (advances && limited)
            {
                Grow(delivery.Bytes, now);
            }
        }
        else if (_phase == Phase.Recovery)
        {
            ReduceProportionally(delivered, advances && lostNow == 0);
        }
        else if (advances)
        {
            Grow(delivery.Bytes, now);
        }
    }

    private void Grow(int bytes, long now) => _congestion.Acknowledged(bytes, now, _rtt.Smoothed, Math.Max(_options.SendBuffer, 2 * _mss) * 2);

    /// <summary>Without SACK a duplicate ACK stands for one segment that arrived (RFC 6582).</summary>
    private int CountDuplicates(int acknowledged, bool advances, bool isDuplicate)
    {
        if (advances)
        {
            int counted = _duplicates;
            _duplicates = _phase == Phase.Recovery ? Math.Max(_duplicates - Math.Max((acknowledged / _mss) - 1, 0), 0) : 0;
            return Math.Max(acknowledged - ((counted - _duplicates) * _mss), 0);
        }

        if (isDuplicate)
        {
            _duplicates++;
            return _mss;
        }

        return 0;
    }

    private int DetectLosses(bool advances, long now)
    {
        int before = _board.LostBytes;
        if (_sacks)
        {
            _reorderAt = _board.SackedSegments > 0 || _phase != Phase.Open || _probing
                ? _rack.Detect(_board, now, _rtt, _mss, _phase != Phase.Open)
                : long.MaxValue;
        }
        else if (_board.Count > 0 && ((_phase == Phase.Open && _duplicates >= DuplicateThreshold) || (_phase == Phase.Recovery && advances)))
        {
            // NewReno: the first segment, and with every partial acknowledgment the next one (RFC 6582 section 3.2).
            if (_board[0].Length > _mss)
            {
                _board.Split(0, _board[0].Start + (uint)_mss);
            }

            _board.MarkLost(0);
        }

        return _board.LostBytes - before;
    }

    /// <summary>Something was lost, as an ACK that told of <paramref name="delivered"/> bytes shows.</summary>
    private void EnterRecovery(int delivered, long now)
    {
        _phase = Phase.Recovery;
        _stack.Counters.FastRecoveries++;
        _recoveryPoint = _nextToSend;
        _recoveryFlight = Math.Max(Seq.Distance(_unacknowledged, _nextToSend) + delivered, _mss);
        _recoveryDelivered = 0;
        _recoverySent = 0;
        _congestion.Reduce();
        _sendOne = true;
        _probing = false;
        _restartedAt = now;
        ReduceProportionally(delivered, safe: false);
    }

    /// <summary>Proportional rate reduction (RFC 6937, with its slow start reduction bound).</summary>
    private void ReduceProportionally(int delivered, bool safe)
    {
        _recoveryDelivered += delivered;
        int flight = InFlight;
        long room;
        if (flight > _congestion.SlowStartThreshold)
        {
            room = ((((long)_recoveryDelivered * _congestion.SlowStartThreshold) + _recoveryFlight - 1) / _recoveryFlight) - _recoverySent;
        }
        else
        {
            room = Math.Max(_recoveryDelivered - _recoverySent, delivered);
            room = Math.Min(_congestion.SlowStartThreshold - flight, safe ? room + _mss : room);
        }

        _congestion.Window = flight + (int)Math.Max(room, 0);
    }

    private void LeaveRecovery()
    {
        if (_phase == Phase.Recovery)
        {
            _congestion.Window = Math.Max(_congestion.SlowStartThreshold, _mss);
            _rack.RecoveryEnded();
        }

        _phase = Phase.Open;
        _timedOutAt = -1;
        _duplicates = 0;
        _sendOne = false;
    }

    /// <summary>The first acknowledgment after a time-out answers a segment sent before it: nothing was lost (Eifel, RFC 3522).</summary>
    private void UndoIfNeedless(long echoSentAt)
    {
        bool needless = echoSentAt >= 0 && echoSentAt + 1000 <= _timedOutAt;
        _timedOutAt = -1;
        if (needless)
        {
            _stack.Counters.SpuriousTimeouts++;
            _board.UnmarkLost();
            _congestion.Window = Math.Max(_windowBefore, _congestion.Window);
            _congestion.SlowStartThreshold = Math.Max(_thresholdBefore, _congestion.SlowStartThreshold);
            _phase = Phase.Open;
            _sendOne = false;
        }
    }

    /// <summary>Tail loss probe: what its acknowledgment tells (RFC 8985 section 7.4).</summary>
    private void EndProbe(uint acknowledgment, bool reportsDuplicate, bool isDuplicate)
    {
        if (!_probing || Seq.Less(acknowledgment, _probeEnd))
        {
            return;
        }

        if (_probeRepeats && !reportsDuplicate && !isDuplicate)
        {
            if (acknowledgment == _probeEnd)
            {
                return; // a D-SACK may still follow
            }

            // The probe repaired a loss that nobody would have seen: the window answers for it all the same.
            _congestion.Reduce();
            _congestion.Window = _congestion.SlowStartThreshold;
        }

        _probing = false;
    }

    private void FinAcknowledged(long now)
    {
        switch (_state)
        {
            case TcpState.FinWait1:
                _state = TcpState.FinWait2;
                _lingerUntil = _released ? now + OrphanTimeout : long.MaxValue;
                break;
            case TcpState.Closing:
                EnterTimeWait(now);
                break;
            case TcpState.LastAck:
                Close(TcpCloseReason.Finished);
                break;
        }
    }
}
