using System;
using System.Collections.Generic;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation.Hosts;

internal sealed partial class TestTcp
{
    private readonly List<(long From, long To)> _outOfOrder = []; // newest first, as SACK wants it
    private long _irs;
    private long _receiveNext;
    private long _consumed;
    private long _offeredEdge;
    private long _lastAcked;
    private long? _finAt;
    private uint _recentTimestamp;
    private int _unacknowledgedSegments;

    private long Buffered => _receiveNext - _consumed;

    /// <summary>Segments that brought nothing new: what a peer retransmitted needlessly, or the network repeated.</summary>
    public long OldSegments { get; private set; }

    private void OnOpen(TcpSegment segment)
    {
        long sequence = Unwrap(segment.Sequence, _receiveNext);
        long edge = Math.Max(_offeredEdge, _receiveNext);
        World.Check(segment.Payload.Length <= OwnMss, $"a segment of {segment.Payload.Length} bytes for an MSS of {OwnMss}");
        World.Check(_timestamps == (segment.Timestamp != null) || segment.Has(Bits.Rst), "timestamps agreed on are in every segment (RFC 7323 section 3.2)");
        long end = sequence + segment.Space;
        if (!segment.Has(Bits.Rst) && segment.Space > 0 && end > edge)
        {
            bool probe = segment.Space <= 1 && sequence <= edge;
            World.Check(probe || _habits.Mischief != 0, $"{end - edge} bytes beyond the window");
        }

        if (_timestamps && segment.Timestamp is (uint value, _) && !segment.Has(Bits.Rst))
        {
            if ((int)(value - _recentTimestamp) < 0)
            {
                SendAck(); // PAWS (RFC 7323 section 5.2); reordering does that
                return;
            }

            if (sequence <= _lastAcked)
            {
                _recentTimestamp = value;
            }
        }

        bool acceptable = segment.Space == 0
            ? sequence >= _receiveNext && sequence <= edge + 1 // an acknowledgment after a window probe stands one beyond it
            : end > _receiveNext && sequence < Math.Max(edge, _receiveNext + 1);
        if (segment.Has(Bits.Rst))
        {
            if (IsOver)
            {
                return; // in TIME_WAIT it changes nothing (RFC 1337)
            }

            if (sequence == _receiveNext)
            {
                WasReset = true;
                StopTimers();
            }
            else if (acceptable)
            {
                SendAck();
            }

            return;
        }

        if (!acceptable || segment.Has(Bits.Syn))
        {
            OldSegments++;
            if (!segment.Has(Bits.Syn) && segment.Has(Bits.Ack) && sequence <= _receiveNext && sequence >= _receiveNext - 1)
            {
                OnAcknowledgment(segment, sequence); // a keep-alive or window probe still carries news
            }

            if (!IsDead)
            {
                SendAck();
                TrySend();
            }

            return;
        }

        if (!segment.Has(Bits.Ack))
        {
            return;
        }

        OnAcknowledgment(segment, sequence);
        if (segment.Space > 0 && !IsDead)
        {
            OnData(segment, sequence, end, edge);
        }

        TrySend();
    }

    private void OnData(TcpSegment segment, long sequence, long end, long edge)
    {
        int difference = Pattern.FirstDifference(segment.Payload.Span, _habits.DownSeed, sequence - _irs - 1);
        World.Check(difference < 0, $"byte {sequence - _irs - 1 + difference} of the stream is wrong");
        if (segment.Has(Bits.Fin))
        {
            long fin = end - 1;
            World.Check(_finAt == null || _finAt == fin, "two FINs at different places");
            _finAt = fin;
        }

        World.Check(_finAt == null || end <= _finAt + 1, "data behind the FIN");
        end = Math.Min(end, edge); // what does not fit is not taken
        if (end <= _receiveNext)
        {
            SendAck();
            return;
        }

        bool inOrder = sequence <= _receiveNext;
        bool filled = inOrder && _outOfOrder.Count > 0;
        Insert(Math.Max(sequence, _receiveNext), end);
        if (_outOfOrder.Find(range => range.From <= _receiveNext) is (long from, long to) && to > _receiveNext && from <= _receiveNext)
        {
            _receiveNext = to;
            _outOfOrder.RemoveAll(range => range.To <= _receiveNext);
        }

        if (_habits.ReadRate == 0 && _habits.ReadPause == 0)
        {
            _consumed = _receiveNext;
        }

        _unacknowledgedSegments++;
        if (!_habits.DelayedAck || !inOrder || filled || _unacknowledgedSegments >= 2 || PeerFinished || segment.Payload.Length < _segment / 2)
        {
            SendAck();
        }
        else if (!_delayedAck.IsSet)
        {
            _delayedAck.Set(_world.Now + 40_000);
        }
    }

    private void Insert(long from, long to)
    {
        for (int i = _outOfOrder.Count - 1; i >= 0; i--)
        {
            (long otherFrom, long otherTo) = _outOfOrder[i];
            if (otherFrom <= to && from <= otherTo)
            {
                from = Math.Min(from, otherFrom);
                to = Math.Max(to, otherTo);
                _outOfOrder.RemoveAt(i);
            }
        }

        _outOfOrder.Insert(0, (from, to));
    }

    private List<(uint, uint)> SackBlocks()
    {
        List<(uint, uint)> blocks = [];
        for (int i = 0; i < Math.Min(4, _outOfOrder.Count); i++)
        {
            blocks.Add(((uint)_outOfOrder[i].From, (uint)_outOfOrder[i].To));
        }

        return blocks;
    }

    private void SendAck() => Emit(Bits.Ack, _sendHighest, default);

    private ushort OfferWindow()
    {
        long room = Math.Max(0, _habits.ReceiveBuffer - Buffered);
        long edge = _receiveNext + room;
        bool silly = edge - _offeredEdge < Math.Min(_segment, _habits.ReceiveBuffer / 2);
        if ((_habits.Mischief & Mischief.ShrinksWindow) != 0 && _random.Chance(0.05))
        {
            edge = _receiveNext + (room / 2);
        }
        else if (silly)
        {
            edge = Math.Max(_offeredEdge, _receiveNext); // never back, and forward only in useful steps (RFC 9293 section 3.8.6.2.2)
        }

        long unit = 1L << _shiftUs;
        long wire = edge > _offeredEdge ? (edge - _receiveNext) / unit : (edge - _receiveNext + unit - 1) / unit;
        wire = Math.Min(wire, 65_535);
        _offeredEdge = Math.Max(_offeredEdge, _receiveNext + (wire * unit));
        return (ushort)wire;
    }

    private void OnReading()
    {
        long chunk = _habits.ReadRate == 0 ? long.MaxValue : Math.Max(1, _habits.ReadRate / 100);
        _consumed += Math.Min(chunk, Buffered);
        long before = _offeredEdge;
        if (_receiveNext + (_habits.ReceiveBuffer - Buffered) - before >= Math.Min(2 * _segment, _habits.ReceiveBuffer / 2))
        {
            SendAck(); // the window opened
        }

        if (!PeerFinished || Buffered > 0)
        {
            _reading.Set(_world.Now + 10_000);
        }
    }
}
