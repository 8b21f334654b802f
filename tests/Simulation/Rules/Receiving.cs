using System;
using System.Buffers;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Wire;
using Xunit;

namespace Culvert.Tests.Simulation.Rules;

/// <summary>What the receiver answers, and when: RFC 9293, RFC 5681 section 4.2, RFC 2018, RFC 2883.</summary>
public sealed class Receiving
{
    private const int Mss = 1_460;

    [Fact]
    public void ASingleSegmentIsAcknowledgedWithinHalfASecond()
    {
        PacketScript script = new();
        script.Open();
        Warm(script);
        script.Send(Bits.Ack, 20 * Mss, 0, length: 100);
        script.Run(500_000);
        script.NextAck((20 * Mss) + 100);
        script.Run(10_000_000);
        script.Nothing();
    }

    [Fact]
    public void EverySecondFullSegmentIsAcknowledgedAtOnce()
    {
        PacketScript script = new();
        script.Open();
        Warm(script);
        for (int i = 20; i < 30; i += 2)
        {
            script.Send(Bits.Ack, i * Mss, 0, length: Mss);
            script.Drain();
            script.Send(Bits.Ack, (i + 1) * Mss, 0, length: Mss);
            script.NextAck((i + 2) * Mss);
        }
    }

    [Fact]
    public void WhatComesOutOfOrderIsReportedAtOnceNewestFirst()
    {
        PacketScript script = new();
        script.Open(sack: true);
        script.Send(Bits.Ack, Mss, 0, length: 100);
        Assert.Equal([Block(script, Mss, Mss + 100)], script.NextAck(0).Sacks);
        script.Send(Bits.Ack, 3 * Mss, 0, length: 100);
        Assert.Equal([Block(script, 3 * Mss, (3 * Mss) + 100), Block(script, Mss, Mss + 100)], script.NextAck(0).Sacks);
        script.Send(Bits.Ack, Mss + 100, 0, length: 100);
        Assert.Equal([Block(script, Mss, Mss + 200), Block(script, 3 * Mss, (3 * Mss) + 100)], script.NextAck(0).Sacks);
        script.Send(Bits.Ack, 0, 0, length: Mss);
        Assert.Equal([Block(script, 3 * Mss, (3 * Mss) + 100)], script.NextAck(Mss + 200).Sacks);
        Assert.Equal(Mss + 200, script.Flow!.Received.Length);
    }

    [Fact]
    public void WhatCameAlreadyIsReportedAsDuplicate()
    {
        PacketScript script = new();
        script.Open(sack: true);
        script.Send(Bits.Ack, 0, 0, length: 500);
        script.Run(1_000_000);
        script.Drain();
        script.Send(Bits.Ack, 0, 0, length: 500);
        Assert.Equal([Block(script, 0, 500)], script.NextAck(500).Sacks); // RFC 2883 section 4
    }

    [Fact]
    public void AFinIsAcknowledgedAtOnceAndTheOtherDirectionStaysOpen()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Ack | Bits.Fin, 0, 0, length: 100);
        script.NextAck(101);
        Assert.True(script.Flow!.ReceiveFinished);
        script.Write(1_000);
        TcpSegment data = script.Next();
        Assert.Equal(1_000, data.Payload.Length);
        Assert.DoesNotContain(StackEventKind.TcpClosed, script.Events);
    }

    [Fact]
    public void TheWindowShutsAndOpensInUsefulSteps()
    {
        PacketScript script = new(new StackOptions { ReceiveBuffer = 10 * Mss });
        script.Open();
        for (int i = 0; i < 10; i++)
        {
            script.Send(Bits.Ack, i * Mss, 0, length: Mss);
        }

        script.Run(1_000_000);
        TcpSegment? last = null;
        script.Drain(segment => last = segment);
        Assert.Equal(0, last!.Window);
        script.Act((flow, now) => flow.Consume(1, now));
        script.Run(1_000_000);
        script.Nothing(); // a window of one byte would be silly (RFC 9293 section 3.8.6.2.2)
        script.Act((flow, now) => flow.Consume((5 * Mss) - 1, now));
        script.Run(1_000_000);
        Assert.Equal(5 * Mss, script.NextAck(10 * Mss).Window);
    }

    [Fact]
    public void ASegmentBeyondAShutWindowIsAnsweredAndNotTaken()
    {
        PacketScript script = new(new StackOptions { ReceiveBuffer = 2 * Mss });
        script.Open();
        script.Send(Bits.Ack, 0, 0, length: Mss);
        script.Send(Bits.Ack, Mss, 0, length: Mss);
        script.Run(1_000_000);
        script.Drain();
        script.Send(Bits.Ack, 2 * Mss, 0, length: 1); // a window probe
        Assert.Equal(0, script.NextAck(2 * Mss).Window);
        Assert.Equal(2 * Mss, script.Flow!.Received.Length);
    }

    [Fact]
    public void OverlapsKeepTheFirstContent()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Ack, 100, 0, length: 100);
        script.Send(Bits.Ack, 50, 0, length: 200);
        script.Send(Bits.Ack, 0, 0, length: 120);
        Assert.Equal(250, script.Flow!.Received.Length);
        Assert.Equal(-1, Pattern.FirstDifference(script.Flow.Received.ToArray(), 1, 0) is int at && at >= 120 ? -1 : at);
    }

    [Fact]
    public void BytesOfASeveredPeerStayReadableUntilRelease()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Ack, 0, 0, length: 1_000);
        ReadOnlySequence<byte> kept = script.Flow!.Received;
        script.Send(Bits.Rst, 1_000, 0);
        Assert.Equal(TcpCloseReason.PeerReset, script.Flow.CloseReason);
        Assert.Equal(1_000, kept.Length);
        byte[] expected = new byte[1_000];
        Pattern.Fill(expected, 1, 0);
        Assert.True(expected.AsSpan().SequenceEqual(kept.ToArray()));
        script.Act((flow, now) => flow.Release(now));
        Assert.Equal(0, script.Pool.Outstanding);
    }

    private static (uint, uint) Block(PacketScript script, long from, long to) =>
        (script.SynAck!.Acknowledgment + (uint)from, script.SynAck.Acknowledgment + (uint)to);

    /// <summary>Beyond the first segments, which may be acknowledged quickly.</summary>
    private static void Warm(PacketScript script)
    {
        for (int i = 0; i < 20; i++)
        {
            script.Send(Bits.Ack, i * Mss, 0, length: Mss);
        }

        script.Run(1_000_000);
        script.Drain();
    }
}
