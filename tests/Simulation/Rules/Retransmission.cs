using System;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Wire;
using Xunit;

namespace Culvert.Tests.Simulation.Rules;

/// <summary>When lost segments are sent again: RFC 6298, RFC 5681, RFC 6675.</summary>
public sealed class Retransmission
{
    private const int Mss = 1_460;

    [Fact]
    public void WithoutAnyAnswerTheIntervalsDoubleUntilTheFlowTimesOut()
    {
        PacketScript script = new();
        script.Open(roundTrip: 100_000);
        script.Write(100);
        long before = script.NextAt().At;
        script.Run(7_200_000_000);
        long wait = 0;
        int times = 0;
        bool probed = false;
        while (TryNext(script, out long at, out TcpSegment again))
        {
            if (again.Has(Bits.Rst))
            {
                break;
            }

            Assert.Equal(0, script.SequenceOf(again));
            Assert.Equal(100, again.Payload.Length);
            long interval = at - before;
            before = at;
            if (!probed && interval < 300_000)
            {
                probed = true; // a tail loss probe (RFC 8985 section 7) comes before the time-out, and once
                continue;
            }

            // SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 * RTTVAR = 3 R (RFC 6298 (2.2)); then doubled (5.5) up to 60 s (2.5).
            Assert.True(
                wait == 0 ? interval is >= 300_000 and <= 500_000 : interval == Math.Min(2 * wait, 60_000_000),
                $"retransmission {times} came {interval} µs after the one before, which had waited {wait}");
            wait = interval;
            times++;
        }

        Assert.InRange(times, 5, 20);
        Assert.Equal(TcpCloseReason.TimedOut, script.Flow!.CloseReason);
    }

    [Fact]
    public void ThreeDuplicateAcknowledgmentsRetransmitAtOnce()
    {
        PacketScript script = new();
        script.Open(sack: false);
        script.Write(10 * Mss);
        Assert.Equal(10, script.Drain());
        script.Run(50_000);
        script.Send(Bits.Ack, 0, 0);
        script.Send(Bits.Ack, 0, 0);
        script.Drain(segment => Assert.True(script.SequenceOf(segment) >= 10 * Mss)); // limited transmit may send new data (RFC 3042)
        script.Send(Bits.Ack, 0, 0);
        (long at, TcpSegment again) = script.NextAt();
        Assert.Equal(script.Now, at);
        Assert.Equal(0, script.SequenceOf(again));
        Assert.Equal(Mss, again.Payload.Length);
    }

    [Fact]
    public void ThreeSelectivelyAcknowledgedSegmentsRetransmitTheHoleAndNothingElse()
    {
        PacketScript script = new();
        script.Open(sack: true);
        script.Write(10 * Mss);
        Assert.Equal(10, script.Drain());
        script.Run(50_000);
        script.Send(Bits.Ack, 0, 2 * Mss); // segments 0 and 1 arrived, 2 is lost
        script.Send(Bits.Ack, 0, 2 * Mss, sacks: [script.Sack(3 * Mss, 4 * Mss)]);
        script.Send(Bits.Ack, 0, 2 * Mss, sacks: [script.Sack(3 * Mss, 5 * Mss)]);
        script.Nothing();
        script.Send(Bits.Ack, 0, 2 * Mss, sacks: [script.Sack(3 * Mss, 6 * Mss)]);
        TcpSegment again = script.Next();
        Assert.Equal(2 * Mss, script.SequenceOf(again));
        Assert.Equal(Mss, again.Payload.Length);
        script.Nothing();
        script.Send(Bits.Ack, 0, 2 * Mss, sacks: [script.Sack(3 * Mss, 10 * Mss)]);
        script.Nothing(); // the hole was filled once; whether it arrived is not known yet
        script.Run(20_000);
        script.Send(Bits.Ack, 0, 10 * Mss);
        script.Run(1_000_000);
        script.Nothing();
    }

    [Fact]
    public void ALostRetransmissionIsSentAgainAfterTheTimeOut()
    {
        PacketScript script = new();
        script.Open(sack: true);
        script.Write(6 * Mss);
        script.Drain();
        script.Run(50_000);
        script.Send(Bits.Ack, 0, 0, sacks: [script.Sack(Mss, 6 * Mss)]);
        Assert.Equal(0, script.SequenceOf(script.Next()));
        script.Run(5_000_000);
        int again = script.Drain(segment => Assert.Equal(0, script.SequenceOf(segment)));
        Assert.InRange(again, 2, 6);
        script.Send(Bits.Ack, 0, 6 * Mss);
        script.Run(10_000_000);
        script.Nothing();
    }

    [Fact]
    public void ATimeOutShrinksTheWindowToOneSegment()
    {
        PacketScript script = new();
        script.Open(sack: false);
        script.Write(20 * Mss);
        Assert.Equal(10, script.Drain()); // IW10 (RFC 6928)
        script.Run(5_000_000);
        script.Drain(segment => Assert.True(script.SequenceOf(segment) is 0 or 9 * Mss));
        script.Send(Bits.Ack, 0, Mss);
        int burst = script.Drain();
        Assert.InRange(burst, 1, 2); // slow start from one segment (RFC 5681 section 3.1)
    }

    [Fact]
    public void ARoundTripIsNotMeasuredOnWhatWasRetransmitted()
    {
        PacketScript script = new();
        script.Open(sack: false, roundTrip: 100_000);
        script.Write(100);
        script.Drain();
        script.Run(3_000_000);
        script.Drain();
        script.Send(Bits.Ack, 0, 100); // late: of which transmission is not known (Karn, RFC 6298 section 3)
        script.Write(100);
        (long sent, _) = script.NextAt();
        script.Run(2_400_000);
        (long again, _) = script.NextAt();
        Assert.InRange(again - sent, 150_000, 2_400_000);
    }

    [Fact]
    public void ARoundTripIsNotMeasuredOnWhatWaitedForARetransmission()
    {
        PacketScript script = new();
        script.Open(sack: false, roundTrip: 100_000);
        script.Write(3 * Mss);
        Assert.Equal(3, script.Drain());
        script.Run(8_000_000); // the second and third arrive, the first is lost and sent again for a long time
        script.Drain(segment => Assert.Equal(0, script.SequenceOf(segment)));
        script.Send(Bits.Ack, 0, 3 * Mss);
        script.Write(100);
        (long sent, _) = script.NextAt();
        script.Run(5_000_000);
        (long again, _) = script.NextAt();
        Assert.InRange(again - sent, 150_000, 1_000_000); // not the eight seconds that two of them seemed to take
    }

    private static bool TryNext(PacketScript script, out long at, out TcpSegment segment)
    {
        if (!script.HasSent)
        {
            (at, segment) = (0, new TcpSegment());
            return false;
        }

        (at, segment) = script.NextAt();
        return true;
    }
}
