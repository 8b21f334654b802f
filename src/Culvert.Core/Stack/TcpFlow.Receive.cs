using System;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

// Segments that arrive (RFC 9293 section 3.10.7.4), and what our ACKs tell.
public sealed partial class TcpFlow
{
    /// <summary>Data segments of a new connection that are acknowledged at once, so that its sender's window opens.</summary>
    private const int QuickAcks = 16;

    /// <summary>An ACK waits at most so long for another segment or for data to go with (RFC 9293 section 3.8.6.3: under 500 ms).</summary>
    private const long AckDelay = 40_000;

    /// <summary>ACKs that a segment without data provokes out of order, challenge ACKs among them: one a flow in so long (RFC 5961 section 7).</summary>
    private const long ChallengeInterval = 500_000;

    /// <summary>A timestamp is not compared after so long: the peer's clock may have wrapped (RFC 7323 section 5.5).</summary>
    private const long TimestampAge = 24L * 86_400 * 1_000_000;

    private uint _nextToReceive;
    private uint _rightEdge; // the highest window edge ever advertised
    private uint _lastAckSent;
    private uint _recentTimestamp;
    private long _recentTimestampAt;
    private long _challengedAt = -ChallengeInterval;
    private long _heardAt;
    private SackReport _report;
    private int _quickAcks;
    private int _unackedBytes;
    private int _peerSegment; // what the peer's full segments seem to hold
    private long _ackAt = long.MaxValue;
    private bool _hasPeerFin;
    private uint _peerFin;

    /// <summary>Takes a segment whose payload is in <paramref name="packet"/>; the caller keeps its reference.</summary>
    internal void Receive(in TcpHeader header, PacketBuffer packet, int offset, int length, long now)
    {
        switch (_state)
        {
            case TcpState.Opening:
                ReceiveWhileOpening(header, now);
                return;
            case TcpState.SynSent:
                ReceiveInSynSent(header, now);
                return;
        }

        if (IsAcceptable(header, length, now) && Take(header, packet, offset, length, now))
        {
            _heardAt = now;
            _unanswered = 0;
        }

        Settle(now);
    }

    /// <summary>Checks that need no look at the payload; false when the segment is dealt with.</summary>
    private bool IsAcceptable(in TcpHeader header, int length, long now)
    {
        bool reset = (header.Flags & TcpFlags.Rst) != 0;
        if (_timestamps && !reset)
        {
            bool old = header.HasTimestamp && Seq.Less(header.TimestampValue, _recentTimestamp) && now - _recentTimestampAt < TimestampAge;
            if (old || !header.HasTimestamp)
            {
                _stack.Counters.Drops.Count(DropReason.Segment);
                if (old)
                {
                    AnswerUnacceptable(header, length, now);
                }

                return false;
            }
        }

        uint end = header.Sequence + (uint)length + ((header.Flags & TcpFlags.Fin) != 0 ? 1u : 0);
        if (_state == TcpState.SynReceived && (header.Flags & TcpFlags.Syn) != 0 && header.Sequence == _peerInitialSequence)
        {
            _pending |= Pending.Syn; // our answer was lost
            return false;
        }

        if (Seq.Less(end, _nextToReceive) || Seq.Greater(header.Sequence, _rightEdge))
        {
            _stack.Counters.Drops.Count(DropReason.Segment);
            if (!reset)
            {
                AnswerUnacceptable(header, length, now);
            }

            return false;
        }

        if (reset)
        {
            ReceiveReset(header.Sequence, now);
            return false;
        }

        if ((header.Flags & TcpFlags.Syn) != 0)
        {
            Challenge(now); // RFC 5961 section 4
            return false;
        }

        return (header.Flags & TcpFlags.Ack) != 0;
    }

    private void ReceiveReset(uint sequence, long now)
    {
        if (_state == TcpState.TimeWait)
        {
            return; // RFC 1337
        }

        if (sequence == _nextToReceive)
        {
            Close(TcpCloseReason.PeerReset);
        }
        else
        {
            Challenge(now); // RFC 5961 section 3
        }
    }

    private bool Take(in TcpHeader header, PacketBuffer packet, int offset, int length, long now)
    {
        if (_state == TcpState.SynReceived)
        {
            if (header.Acknowledgment != _nextToSend)
            {
                _stack.SendReset(Key, header.Acknowledgment, 0, acknowledges: false);
                return false;
            }

            Establish(header.Acknowledgment, now);
            _sendWindow = header.Window << _sendScale;
            _largestWindow = Math.Max(_largestWindow, _sendWindow);
        }

        // RFC 5961 section 5: acknowledging what was never sent, or what is too long ago, is an attack or a mishap.
        uint oldest = _unacknowledged - (uint)_largestWindow;
        if (Seq.Greater(header.Acknowledgment, _nextToSend) || Seq.Less(header.Acknowledgment, oldest))
        {
            Challenge(now);
            return false;
        }

        if (_timestamps && Seq.LessOrEqual(header.Sequence, _lastAckSent) && Seq.GreaterOrEqual(header.TimestampValue, _recentTimestamp))
        {
            _recentTimestamp = header.TimestampValue;
            _recentTimestampAt = now;
        }

        ReceiveAcknowledgment(header, length, now);
        if (_state == TcpState.Closed)
        {
            return true;
        }

        bool fin = (header.Flags & TcpFlags.Fin) != 0;
        if (length > 0 || fin)
        {
            ReceiveData(header, packet, offset, length, fin, now);
        }

        return true;
    }

    private void ReceiveData(in TcpHeader header, PacketBuffer packet, int offset, int length, bool fin, long now)
    {
        uint start = header.Sequence;
        if (fin && !_hasPeerFin && Seq.LessOrEqual(start + (uint)length, _rightEdge))
        {
            _hasPeerFin = true;
            _peerFin = start + (uint)length;
        }

        bool repeated = false;
        int before = Seq.Distance(start, _nextToReceive);
        if (before > 0)
        {
            int known = Math.Min(before, length);
            if (known > 0)
            {
                _report.Duplicate(new SeqRange(start, start + (uint)known));
                repeated = true;
            }

            offset += known;
            length -= known;
            start += (uint)known;
        }

        uint limit = _hasPeerFin ? Seq.Min(_rightEdge, _peerFin) : _rightEdge;
        int beyond = length - Math.Max(Seq.Distance(start, limit), 0);
        if (beyond > 0)
        {
            length -= beyond;
            _pending |= Pending.Ack; // the peer does not know our window, or probes it
        }

        if (ReceiveFinished)
        {
            _pending |= Pending.Ack; // the FIN again
            if (_state == TcpState.TimeWait)
            {
                _lingerUntil = now + _options.TimeWait;
            }

            return;
        }

        if (length > 0 && _released)
        {
            // Nobody will read this; its sender must not believe otherwise.
            Abort(now);
            return;
        }

        if (length > 0)
        {
            Store(start, packet, offset, length, now);
        }
        else if (repeated || before > 0)
        {
            _stack.Counters.Duplicates++;
            _pending |= Pending.Ack;
        }

        if (_hasPeerFin && _nextToReceive == _peerFin)
        {
            ReceiveFin(now);
        }
        else if (fin)
        {
            _pending |= Pending.Ack;
        }
    }

    private void Store(uint start, PacketBuffer packet, int offset, int length, long now)
    {
        // A super-segment is many of the peer's segments; the size of one is what the device says.
        int segment = packet.Offload.SegmentSize != 0 ? Math.Min(packet.Offload.SegmentSize, length) : length;
        _peerSegment = Math.Max(_peerSegment, Math.Min(segment, LocalMss));
        if (start != _nextToReceive)
        {
            _stack.Counters.OutOfOrder++;
            if (!_early.Add(start, packet, offset, length, out SeqRange duplicate))
            {
                _stack.Counters.Drops.Count(DropReason.Limit);
            }

            if (!duplicate.IsEmpty)
            {
                _report.Duplicate(duplicate);
            }

            SeqRange run = _early.RunAround(start);
            if (!run.IsEmpty)
            {
                _report.Newest(run);
            }

            _pending |= Pending.Ack;
            return;
        }

        _received.Append(packet, offset, length);
        _nextToReceive += (uint)length;
        if (!_early.IsEmpty)
        {
            _nextToReceive = _early.MoveTo(_received, _nextToReceive);
            _report.Forget(_nextToReceive);
            _pending |= Pending.Ack; // a gap closes (RFC 5681 section 4.2)
        }

        _stack.Raise(StackEventKind.TcpReadable, this);
        _unackedBytes += length;
        if (_quickAcks > 0)
        {
            _quickAcks--;
            _pending |= Pending.Ack;
        }
        else if (_unackedBytes >= 2 * _peerSegment)
        {
            _pending |= Pending.Ack;
        }
        else
        {
            _ackAt = Math.Min(_ackAt, now + AckDelay);
        }
    }

    private void ReceiveFin(long now)
    {
        ReceiveFinished = true;
        _nextToReceive++;
        _pending |= Pending.Ack;
        _stack.Raise(StackEventKind.TcpReadable, this);
        switch (_state)
        {
            case TcpState.Established:
                _state = TcpState.CloseWait;
                break;
            case TcpState.FinWait1:
                _state = TcpState.Closing; // had our FIN been acknowledged, it were FinWait2 by now
                break;
            case TcpState.FinWait2:
                EnterTimeWait(now);
                break;
        }
    }

    /// <summary>Answers a segment outside of the window with where we are, so that both agree again.</summary>
    private void AnswerUnacceptable(in TcpHeader header, int length, long now)
    {
        if (_state == TcpState.TimeWait && (header.Flags & TcpFlags.Fin) != 0)
        {
            _lingerUntil = now + _options.TimeWait;
        }

        uint end = header.Sequence + (uint)length;
        if (length > 0 && Seq.LessOrEqual(end, _nextToReceive))
        {
            _stack.Counters.Duplicates++;
            if (_nextToReceive - header.Sequence <= (uint)(2 * _options.ReceiveBuffer))
            {
                _report.Duplicate(new SeqRange(header.Sequence, end));
            }

            _pending |= Pending.Ack;
        }
        else if (length > 0 || (header.Flags & TcpFlags.Fin) != 0)
        {
            _pending |= Pending.Ack; // data is no part of a loop of ACKs
        }
        else if (now - _challengedAt >= ChallengeInterval)
        {
            _challengedAt = now;
            _pending |= Pending.Ack;
        }
    }

    private void Challenge(long now)
    {
        _stack.Counters.Drops.Count(DropReason.Segment);
        if (now - _challengedAt >= ChallengeInterval)
        {
            _challengedAt = now;
            _stack.Counters.ChallengeAcks++;
            _pending |= Pending.Ack;
        }
    }

    /// <summary>The user has consumed: tells the peer when it matters to it, and not of every byte (RFC 9293 section 3.8.6.2.2).</summary>
    private void ConsiderWindowUpdate()
    {
        int offered = Math.Max(Seq.Distance(_nextToReceive, _rightEdge), 0);
        int gain = _options.ReceiveBuffer - _received.Length - offered;
        int buffer = _options.ReceiveBuffer;
        if (gain >= buffer / 4 || (offered < buffer / 2 && gain >= Math.Max(offered, Math.Min(2 * _peerSegment, buffer / 2))))
        {
            _pending |= Pending.Ack;
        }
    }

    /// <summary>The window field of a segment sent now. The edge once shown never moves back.</summary>
    private ushort AdvertiseWindow()
    {
        int offered = Math.Max(Seq.Distance(_nextToReceive, _rightEdge), 0);
        int free = Math.Max(_options.ReceiveBuffer - _received.Length, 0);
        bool worthwhile = free - offered >= Math.Min(_peerSegment, _options.ReceiveBuffer / 2);
        int window = worthwhile ? free : offered;
        int field = window >> _receiveScale;
        if (field << _receiveScale < offered && offered - free <= _options.ReceiveBuffer / 8)
        {
            // Rounding down would take back what was shown; rounding up gives a few bytes more, within reason (RFC 7323 section 2.4).
            field++;
        }

        field = Math.Min(field, ushort.MaxValue);
        _rightEdge = Seq.Max(_rightEdge, _nextToReceive + (uint)(field << _receiveScale));
        return (ushort)field;
    }
}
