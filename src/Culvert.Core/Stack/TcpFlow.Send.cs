using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

// What goes out: which bytes, and the segments they go in.
public sealed partial class TcpFlow
{
    private uint _nextToSend;
    private bool _finishing; // the user has no more
    private bool _finSent;
    private bool _wantsToWrite;
    private bool _overrideSillyWindow; // the persist timer came
    private Pending _pending;
    private long _sentAt = -1;
    private long _synSentAt = -1;

    /// <summary>Segments without data that are due.</summary>
    [Flags]
    private enum Pending : byte
    {
        None = 0,
        Ack = 1,

        /// <summary>SYN, or SYN and ACK, whichever the state has.</summary>
        Syn = 2,

        /// <summary>A segment that asks for an ACK, holding nothing (RFC 9293 sections 3.8.4 and 3.8.6.1).</summary>
        Probe = 4,

        Any = Ack | Syn | Probe,
    }

    /// <summary>A stretch to send: again when <see cref="Index"/> is a segment of the scoreboard, else anew.</summary>
    private readonly record struct Plan(int Index, uint Start, int Length, bool Fin);

    /// <summary>Builds the control segment that is due, if it cannot go with data.</summary>
    internal bool TryBuildControl(long now, Span<byte> scratch, bool dataFollows, out OutgoingPacket packet)
    {
        packet = default;
        if ((_pending & Pending.Syn) != 0)
        {
            _pending &= ~(Pending.Syn | Pending.Ack);
            packet = BuildSyn(scratch, now);
        }
        else if ((_pending & Pending.Probe) != 0)
        {
            _pending &= ~Pending.Probe;
            _stack.Counters.WindowProbes++;
            packet = Build(scratch, _unacknowledged - 1, TcpFlags.Ack, default, now);
        }
        else if ((_pending & Pending.Ack) != 0 && !(dataFollows && (_report.IsEmpty || !_sacks) && TryPlan(out _)))
        {
            packet = Build(scratch, _nextToSend, TcpFlags.Ack, default, now);
        }
        else
        {
            return false;
        }

        Settle(now);
        return true;
    }

    /// <summary>Builds the next segment with data or FIN.</summary>
    internal bool TryBuildData(long now, Span<byte> scratch, out OutgoingPacket packet)
    {
        packet = default;
        if (_board.Count == 0 && _sentAt >= 0 && now - _sentAt > _rtt.Timeout(0))
        {
            _congestion.Restart();
        }

        if (!TryPlan(out Plan plan))
        {
            return false;
        }

        bool again = plan.Index >= 0;
        if (again)
        {
            _board.Retransmitted(plan.Index, plan.Length, now);
            _stack.Counters.Retransmits++;
            _sendOne = false;
            if (plan.Index == 0)
            {
                _restartedAt = now;
            }
        }
        else
        {
            SendsNew(plan, now);
        }

        if (_phase == Phase.Recovery)
        {
            _recoverySent += plan.Length;
        }

        _sentAt = now;
        int payloadLength = plan.Length - (plan.Fin ? 1 : 0);
        ReadOnlySpan<byte> payload = payloadLength > 0 ? _queue.Peek(plan.Start, payloadLength) : default;
        TcpFlags flags = TcpFlags.Ack;
        if (plan.Fin)
        {
            flags |= TcpFlags.Fin;
        }

        if (payloadLength > 0 && plan.Start + (uint)payloadLength == _queue.End)
        {
            flags |= TcpFlags.Psh;
        }

        packet = Build(scratch, plan.Start, flags, payload, now);
        Settle(now);
        return true;
    }

    private void SendsNew(in Plan plan, long now)
    {
        _restartedAt = _board.Count == 0 ? now : _restartedAt;
        _sendOne &= !_probing;
        _nextToSend = plan.Start + (uint)plan.Length;
        _board.Add(plan.Start, _nextToSend, now);
        _overrideSillyWindow = false;
        _probeAt = ProbeTime(now);
        if (plan.Fin)
        {
            _finSent = true;
            _state = _state == TcpState.CloseWait ? TcpState.LastAck : TcpState.FinWait1;
        }
    }

    /// <summary>What may be sent now, retransmissions first; false for nothing.</summary>
    private bool TryPlan(out Plan plan)
    {
        plan = default;
        if (_state is < TcpState.Established or >= TcpState.TimeWait)
        {
            return false;
        }

        int lost = _board.NextLost();
        return lost >= 0 ? TryPlanAgain(lost, out plan) : TryPlanNew(out plan);
    }

    private bool TryPlanAgain(int lost, out Plan plan)
    {
        ref SentSegment segment = ref _board[lost];
        bool fin = _finSent && segment.End == _nextToSend;
        int payload = segment.Length - (fin ? 1 : 0);
        int length = Math.Min(payload, _options.Offloads ? LargestSegment : _mss);
        bool fits = TryFit(ref length, force: _sendOne);
        fin &= length == payload;
        plan = new Plan(lost, segment.Start, length + (fin ? 1 : 0), fin);
        return fits;
    }

    private bool TryPlanNew(out Plan plan)
    {
        plan = default;
        if (_finSent || _board.IsFull)
        {
            return false;
        }

        int unsent = Seq.Distance(_nextToSend, _queue.End);
        int usable = Seq.Distance(_nextToSend, _unacknowledged + (uint)_sendWindow);
        if (unsent == 0)
        {
            plan = new Plan(-1, _nextToSend, 1, Fin: true);
            return _finishing && usable > 0;
        }

        int length = Math.Min(_queue.Contiguous(_nextToSend, unsent), _options.Offloads ? LargestSegment : _mss);
        if (usable < Math.Min(length, _mss))
        {
            // Less than a whole segment: worth sending only when it is much of what the peer ever offers (RFC 9293 section 3.8.6.2.1).
            if (usable <= 0 || (usable < _largestWindow / 2 && !_overrideSillyWindow))
            {
                return false;
            }

            length = usable;
        }
        else if (usable < length)
        {
            length = usable - (usable % _mss);
        }

        if (!TryFit(ref length, force: _sendOne && _probing))
        {
            _limitedUpTo = _nextToSend;
            return false;
        }

        plan = new Plan(-1, _nextToSend, length, Fin: false);
        if (_finishing && length == unsent && length < usable)
        {
            plan = plan with { Length = length + 1, Fin = true };
        }

        return true;
    }

    /// <summary>Cuts <paramref name="length"/> to what the congestion window leaves: whole segments; false when that is less than one.</summary>
    private bool TryFit(ref int length, bool force)
    {
        int flight = InFlight;
        int room = _congestion.Window - flight;
        int least = Math.Min(length, _mss);
        if (room < least)
        {
            length = least;
            return force || flight == 0;
        }

        if (length > room)
        {
            length = room - (room % _mss);
        }

        return true;
    }

    private OutgoingPacket BuildSyn(Span<byte> scratch, long now)
    {
        _synSentAt = _synSentAt < 0 ? now : _synSentAt;
        _restartedAt = now;
        bool answers = _state != TcpState.SynSent;
        TcpHeader header = new()
        {
            SourcePort = Destination.Port,
            DestinationPort = Source.Port,
            Sequence = _initialSequence,
            Acknowledgment = answers ? _nextToReceive : 0,
            Flags = answers ? TcpFlags.Syn | TcpFlags.Ack : TcpFlags.Syn,
            Window = (ushort)Math.Min(_options.ReceiveBuffer, ushort.MaxValue),
            Mss = (ushort)LocalMss,
            HasWindowScale = _scales,
            WindowScale = (byte)_receiveScale,
            SackPermitted = _sacks,
            HasTimestamp = _timestamps,
            TimestampValue = Timestamp(now),
            TimestampEcho = answers ? _recentTimestamp : 0,
        };
        return Seal(scratch, header, default);
    }

    private OutgoingPacket Build(Span<byte> scratch, uint sequence, TcpFlags flags, ReadOnlySpan<byte> payload, long now)
    {
        ushort window = AdvertiseWindow();
        SackBlocks blocks = default;
        int count = 0;
        if (_sacks && payload.IsEmpty && !_report.IsEmpty)
        {
            count = _report.Take(ref blocks, _timestamps ? SackBlocks.Capacity - 1 : SackBlocks.Capacity);
        }

        TcpHeader header = new()
        {
            SourcePort = Destination.Port,
            DestinationPort = Source.Port,
            Sequence = sequence,
            Acknowledgment = _nextToReceive,
            Flags = flags,
            Window = window,
            HasTimestamp = _timestamps,
            TimestampValue = Timestamp(now),
            TimestampEcho = _recentTimestamp,
            SackCount = count,
            Sacks = blocks,
        };
        _lastAckSent = _nextToReceive;
        _pending &= ~Pending.Ack;
        _unackedBytes = 0;
        _ackAt = long.MaxValue;
        return Seal(scratch, header, payload);
    }

    private OutgoingPacket Seal(Span<byte> scratch, scoped in TcpHeader header, ReadOnlySpan<byte> payload)
    {
        int start = IpHeaderSize;
        int length = header.Write(scratch[start..]);
        IpWriter.Write(scratch, Destination.Address, Source.Address, IpProtocol.Tcp, length + payload.Length);
        Span<byte> tcp = scratch.Slice(start, length);
        PacketOffload offload = default;
        ushort checksum;
        if (_options.Offloads)
        {
            offload = new PacketOffload(ChecksumState.Partial, payload.Length > _mss ? (ushort)_mss : (ushort)0);
            checksum = Checksum.Partial(Destination.Address, Source.Address, IpProtocol.Tcp, length + payload.Length);
        }
        else
        {
            checksum = Checksum.Transport(Destination.Address, Source.Address, IpProtocol.Tcp, tcp, payload);
        }

        BinaryPrimitives.WriteUInt16BigEndian(tcp[TcpHeader.ChecksumOffset..], checksum);
        return new OutgoingPacket(scratch[..(start + length)], payload, offload);
    }

    /// <summary>Our timestamp clock: milliseconds, from where the connection's hash puts it.</summary>
    private uint Timestamp(long now) => (uint)(now / 1000) + _timestampOffset;
}
