using System;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Wire;
using Xunit;

namespace Culvert.Tests.Simulation.Rules;

/// <summary>Waiting: zero windows, keep-alive, TIME_WAIT.</summary>
public sealed class Patience
{
    private const int Mss = 1_460;

    [Fact]
    public void AShutWindowIsProbedAtDoubledIntervalsForAsLongAsThePeerAnswers()
    {
        PacketScript script = new();
        script.Open(window: 100);
        script.Write(100 + 1_000);
        Assert.Equal(100, script.Next().Payload.Length);
        script.Send(Bits.Ack, 0, 100, window: 0);
        long before = script.Now;
        long wait = 0;
        for (int i = 0; i < 40; i++)
        {
            while (!script.HasSent)
            {
                script.Run(1_000);
                Assert.True(script.Now - before < 121_000_000, "no probe for two minutes");
            }

            (long at, TcpSegment probe) = script.NextAt();
            Assert.InRange(probe.Payload.Length, 0, 1);
            Assert.InRange(script.SequenceOf(probe), 99, 100);
            long interval = at - before;
            Assert.True(wait == 0 ? interval >= 190_000 : interval >= wait, $"probe {i} came after {interval} µs, the one before after {wait}");
            before = at;
            wait = interval;
            script.Send(Bits.Ack, 0, 100, window: 0);
        }

        Assert.DoesNotContain(StackEventKind.TcpClosed, script.Events);
        script.Send(Bits.Ack, 0, 100, window: 5_000);
        script.Run(0);
        int bytes = 0;
        script.Drain(segment => bytes += segment.Payload.Length);
        Assert.InRange(bytes, 999, 1_000);
    }

    [Fact]
    public void AnIdleConnectionIsProbedAndASilentPeerGivenUp()
    {
        PacketScript script = new(new StackOptions { KeepAlive = 60_000_000 });
        script.Open();
        script.Run(59_999_999);
        script.Nothing();
        script.Run(1);
        TcpSegment probe = script.Next();
        Assert.Equal(-1, script.SequenceOf(probe)); // RFC 9293 section 3.8.4: SEG.SEQ = SND.NXT - 1
        script.Send(Bits.Ack, 0, 0);
        script.Run(59_000_000);
        script.Nothing();
        script.Run(7_200_000_000);
        Assert.Equal(TcpCloseReason.TimedOut, script.Flow!.CloseReason);
    }

    [Fact]
    public void WithoutKeepAliveAnIdleConnectionStays()
    {
        PacketScript script = new(new StackOptions { KeepAlive = 0 });
        script.Open();
        script.Run(1_000_000_000_000);
        script.Nothing();
        Assert.Equal(TcpCloseReason.None, script.Flow!.CloseReason);
    }

    [Fact]
    public void TimeWaitAnswersARepeatedFinAndEndsInTime()
    {
        PacketScript script = new(new StackOptions { TimeWait = 10_000_000 });
        CloseFromTheStack(script);
        script.Send(Bits.Ack | Bits.Fin, 0, 1);
        script.NextAck(1);
        script.Run(9_999_999);
        script.Send(Bits.Ack | Bits.Fin, 0, 1);
        script.NextAck(1); // and the time begins anew
        script.Run(10_000_001);
        script.Send(Bits.Ack | Bits.Fin, 0, 1);
        Assert.True(script.Next().Has(Bits.Rst));
        Assert.Equal(0, script.Pool.Outstanding);
        Assert.Equal(long.MaxValue, script.Stack.NextDeadline);
    }

    [Fact]
    public void TimeWaitYieldsToANewConnectionOfThePortsWithAHigherSequence()
    {
        PacketScript script = new();
        CloseFromTheStack(script);
        script.Run(1_000_000);
        script.Events.Clear();
        script.Receive(new TcpSegment { Source = PacketScript.Peer, Destination = PacketScript.Far, Sequence = script.SynAck!.Acknowledgment + 500, Flags = Bits.Syn, Window = 1_000 });
        Assert.Contains(StackEventKind.TcpOpening, script.Events);
        script.Act((flow, now) => flow.Accept(now));
        Assert.Equal(Bits.Syn | Bits.Ack, script.Next().Flags);
    }

    [Fact]
    public void TimeWaitDoesNotYieldToAnOldSyn()
    {
        PacketScript script = new();
        CloseFromTheStack(script);
        script.Events.Clear();
        script.Receive(new TcpSegment { Source = PacketScript.Peer, Destination = PacketScript.Far, Sequence = script.SynAck!.Acknowledgment - 5_000, Flags = Bits.Syn, Window = 1_000 });
        Assert.DoesNotContain(StackEventKind.TcpOpening, script.Events);
    }

    [Fact]
    public void APathThatShrankIsUsedWithSmallerSegments()
    {
        PacketScript script = new();
        script.Open(sack: true);
        script.Write(3 * Mss);
        TcpSegment first = script.Next();
        script.Drain();
        byte[] quoted = first.Build();
        IcmpMessage tooBig = new(PacketScript.Peer.Address, PacketScript.Far.Address, 3, 4, 1_000, quoted.AsMemory(0, 28));
        script.Receive(tooBig.Packet().Build());
        script.Run(3_000_000);
        Assert.True(script.HasSent);
        script.Drain(segment => Assert.InRange(segment.Payload.Length, 1, 1_000 - 40));
    }

    [Fact]
    public void APathMtuForgedForAnotherSequenceIsIgnored()
    {
        PacketScript script = new();
        script.Open(sack: true);
        script.Write(3 * Mss);
        TcpSegment first = script.Next();
        script.Drain();
        byte[] quoted = (first with { Sequence = first.Sequence + 1_000_000 }).Build();
        IcmpMessage tooBig = new(PacketScript.Peer.Address, PacketScript.Far.Address, 3, 4, 600, quoted.AsMemory(0, 28));
        script.Receive(tooBig.Packet().Build());
        script.Send(Bits.Ack, 0, 3 * Mss);
        script.Write(3 * Mss);
        Assert.Equal(Mss, script.Next().Payload.Length);
    }

    private static void CloseFromTheStack(PacketScript script)
    {
        script.Open();
        script.Act((flow, now) => flow.Finish(now));
        Assert.Equal(Bits.Fin | Bits.Ack, script.Next().Flags);
        script.Send(Bits.Ack, 0, 1);
        script.Send(Bits.Ack | Bits.Fin, 0, 1);
        script.NextAck(1);
        Assert.Contains(StackEventKind.TcpClosed, script.Events);
        Assert.Equal(TcpCloseReason.Finished, script.Flow!.CloseReason);
        script.Act((flow, now) => flow.Release(now));
    }
}
