using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Wire;
using Xunit;

namespace Culvert.Tests.Simulation.Rules;

/// <summary>How connections open, segment by segment.</summary>
public sealed class Handshakes
{
    [Fact]
    public void TheSynAckOffersWhatTheSynOfferedAndNoMore()
    {
        PacketScript all = new();
        all.Open(sack: true, timestamps: true, scale: 7);
        Assert.Equal((ushort)1_460, all.SynAck!.Mss);
        Assert.True(all.SynAck.SackPermitted);
        Assert.NotNull(all.SynAck.Scale);
        Assert.Equal(all.PeerClock, all.SynAck.Timestamp!.Value.Echo);

        PacketScript none = new();
        none.Open(sack: false, timestamps: false, scale: null);
        Assert.False(none.SynAck!.SackPermitted);
        Assert.Null(none.SynAck.Scale);
        Assert.Null(none.SynAck.Timestamp);
    }

    [Fact]
    public void WithoutAnMssOptionSegmentsHave536Bytes()
    {
        PacketScript script = new();
        script.Open(mss: null);
        script.Write(2_000);
        Assert.Equal(536, script.Next().Payload.Length); // RFC 9293 section 3.7.1
    }

    [Fact]
    public void AnUnansweredSynAckIsRepeatedAfterOneSecondAndThenAtDoubledIntervals()
    {
        PacketScript script = new();
        script.Receive(new TcpSegment { Source = PacketScript.Peer, Destination = PacketScript.Far, Sequence = 99, Flags = Bits.Syn, Window = 1_000, Mss = 1_460 });
        script.Act((flow, now) => flow.Accept(now));
        long before = script.NextAt().At;
        long wait = 1_000_000; // RFC 6298 (2.1)
        script.Run(7_500_000);
        for (int i = 0; i < 3; i++, wait *= 2)
        {
            (long at, TcpSegment again) = script.NextAt();
            Assert.Equal(Bits.Syn | Bits.Ack, again.Flags);
            Assert.Equal(wait, at - before);
            before = at;
        }

        script.Run(400_000_000);
        Assert.Contains(StackEventKind.TcpClosed, script.Events);
        Assert.Equal(TcpCloseReason.TimedOut, script.Flow!.CloseReason);
    }

    [Fact]
    public void ASegmentToNoConnectionIsAnsweredWithReset()
    {
        PacketScript script = new();
        script.Receive(new TcpSegment { Source = PacketScript.Peer, Destination = PacketScript.Far, Sequence = 5, Acknowledgment = 777, Flags = Bits.Ack, Window = 1 });
        TcpSegment reset = script.Next();
        Assert.Equal(Bits.Rst, reset.Flags);
        Assert.Equal(777u, reset.Sequence);

        script.Receive(new TcpSegment { Source = PacketScript.Peer, Destination = PacketScript.Far, Sequence = 5, Flags = Bits.Fin, Window = 1, Payload = new byte[10] });
        reset = script.Next();
        Assert.Equal(Bits.Rst | Bits.Ack, reset.Flags);
        Assert.Equal(0u, reset.Sequence);
        Assert.Equal(16u, reset.Acknowledgment);

        script.Receive(new TcpSegment { Source = PacketScript.Peer, Destination = PacketScript.Far, Sequence = 5, Acknowledgment = 9, Flags = Bits.Rst | Bits.Ack, Window = 1 });
        script.Nothing(); // never a reset for a reset
    }

    [Fact]
    public void AnAcknowledgmentOfAnotherSequenceDoesNotOpenTheConnection()
    {
        PacketScript script = new();
        script.Receive(new TcpSegment { Source = PacketScript.Peer, Destination = PacketScript.Far, Sequence = 99, Flags = Bits.Syn, Window = 1_000, Mss = 1_460 });
        script.Act((flow, now) => flow.Accept(now));
        TcpSegment answer = script.Next();
        script.Receive(new TcpSegment { Source = PacketScript.Peer, Destination = PacketScript.Far, Sequence = 100, Acknowledgment = answer.Sequence + 500, Flags = Bits.Ack, Window = 1_000 });
        TcpSegment reset = script.Next();
        Assert.Equal(Bits.Rst, reset.Flags); // RFC 9293 section 3.10.7.4, SYN-RECEIVED
        Assert.Equal(answer.Sequence + 500, reset.Sequence);
    }

    [Fact]
    public void InitialSequenceNumbersDifferBetweenConnectionsAndMoveWithTime()
    {
        static uint First(ushort port, long wait)
        {
            PacketScript script = new();
            script.Run(wait);
            script.Receive(new TcpSegment { Source = PacketScript.Peer with { Port = port }, Destination = PacketScript.Far, Flags = Bits.Syn, Window = 1_000 });
            script.Act((flow, now) => flow.Accept(now));
            return script.Next().Sequence;
        }

        Assert.Equal(First(1, 0), First(1, 0));
        Assert.NotInRange((int)(First(1, 0) - First(2, 0)), -100_000, 100_000);
        Assert.Equal(First(1, 0) + 250_000, First(1, 1_000_000)); // one each 4 µs (RFC 6528 section 3)
    }

    [Fact]
    public void ASynFromAnImpossibleSourceIsDropped()
    {
        PacketScript script = new();
        foreach (uint source in new[] { 0u, 0x7F00_0001u, 0xE000_0001u, 0xFFFF_FFFFu })
        {
            script.Receive(new TcpSegment { Source = new IpEndpoint(IpAddr.FromV4(source), 5), Destination = PacketScript.Far, Sequence = 99, Flags = Bits.Syn, Window = 1_000 });
        }

        script.Nothing();
        Assert.Empty(script.Events);
        Assert.Empty(script.Errors);
    }
}
