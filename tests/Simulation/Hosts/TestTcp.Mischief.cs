using System;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation.Hosts;

internal sealed partial class TestTcp
{
    private bool Mischievous(Mischief one, double probability) => (_habits.Mischief & one) != 0 && _random.Chance(probability);

    /// <summary>Between two segments of data. Assumes a network that keeps order: what is forged here is meant to arrive before what follows.</summary>
    private void Misbehave()
    {
        if (_habits.Mischief == 0)
        {
            return;
        }

        long old = _sendUnacknowledged - _iss - 1;
        if (old > 0 && Mischievous(Mischief.RewritesHistory, 0.1))
        {
            int count = (int)Math.Min(old, 1 + _random.Below(400));
            Forge(Bits.Ack | Bits.Psh, _sendUnacknowledged - count, Garbage(count), Clock);
        }

        if (Mischievous(Mischief.AcknowledgesUnsent, 0.05))
        {
            Forge(Bits.Ack, _sendHighest, default, Clock, _receiveNext + 2_000_000);
        }

        if (Mischievous(Mischief.ResetsInWindow, 0.05))
        {
            Forge(Bits.Rst | Bits.Ack, _sendHighest + 1 + _random.Below(1_000), default, Clock);
        }

        if (Mischievous(Mischief.SynchronizesInWindow, 0.05))
        {
            Forge(Bits.Syn, _sendHighest + _random.Below(1_000), default, Clock);
        }

        if (_timestamps && Mischievous(Mischief.OldTimestamps, 0.1))
        {
            Forge(Bits.Ack | Bits.Psh, _sendNext, Garbage(1 + _random.Below(400)), Clock - 1_000_000);
        }

        if (Mischievous(Mischief.Overlaps, 0.3))
        {
            long from = Math.Max(_iss + 1, _sendUnacknowledged - _random.Below(2_000));
            int count = (int)Math.Min(Math.Min(_sendNext, DataEnd) - from, 1 + _random.Below(_segment));
            if (count > 0)
            {
                SendData(from, count, finToo: false);
            }
        }
    }

    private byte[] Garbage(int count)
    {
        byte[] bytes = new byte[count];
        Pattern.Fill(bytes, _random.Next(), 0);
        return bytes;
    }

    private void Forge(Bits flags, long sequence, ReadOnlyMemory<byte> payload, uint clock, long? acknowledgment = null) => _host.Send(new TcpSegment
    {
        Source = Local,
        Destination = Remote,
        Sequence = (uint)sequence,
        Acknowledgment = (flags & Bits.Ack) != 0 ? (uint)(acknowledgment ?? _receiveNext) : 0,
        Flags = flags,
        Window = OfferWindow(),
        Timestamp = _timestamps ? (clock, _recentTimestamp) : null,
        Payload = payload,
    });
}
