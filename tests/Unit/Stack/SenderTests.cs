using System;
using System.Collections.Generic;
using System.Linq;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>How a connection sends: windows, losses, timers.</summary>
public sealed class SenderTests
{
    private const int Mss = 1460;

    [Fact]
    public void TenSegmentsGoAtFirstAndTheWindowDoublesEveryRoundTrip()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 200 * Mss);
        List<Segment> sent = peer.All();
        Assert.Equal(10, sent.Count);
        Assert.All(sent, s => Assert.Equal(Mss, s.Payload.Length));
        peer.Now += 10_000;
        Acknowledge(peer, 10 * Mss);
        Assert.Equal(20, peer.All().Count);
        peer.Now += 10_000;
        Acknowledge(peer, 20 * Mss);
        Assert.Equal(40, peer.All().Count);
        flow.Release(peer.Now);
        peer.All();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SmallPiecesThatWaitForTheLinkLeaveTogether(bool offloads)
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = offloads });
        TcpFlow flow = peer.Connect();
        for (int i = 0; i < 26; i++)
        {
            Write(peer, flow, 100);
        }

        Assert.Equal([1300, 1300], peer.All().Select(segment => segment.Payload.Length));
        Write(peer, flow, 100);
        Assert.Equal(100, Assert.Single(peer.All()).Payload.Length); // and what is alone does not wait for company
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void WindowDoesNotGrowWhileItIsNotUsed()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        for (int i = 0; i < 50; i++)
        {
            Write(peer, flow, Mss);
            Assert.Single(peer.All());
            peer.Now += 1_000;
            Acknowledge(peer, Mss);
        }

        Write(peer, flow, 100 * Mss);
        Assert.Equal(10, peer.All().Count);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void TimeOutDoublesAndGivesUpInTheEnd()
    {
        using ScriptedPeer peer = new(sacks: false);
        TcpFlow flow = peer.Connect(); // the handshake took no time: a round trip of 1
        Write(peer, flow, 100);
        Segment first = peer.Next();
        List<long> waits = [];
        for (int i = 0; i < 15; i++)
        {
            waits.Add(peer.Due("Retransmit"));
            Segment again = peer.Next();
            Assert.Equal((first.Sequence, 100), (again.Sequence, again.Payload.Length));
        }

        Assert.Equal([200_001, 400_002, 800_004], waits[..3]);
        Assert.Equal(60_000_000, waits[^1]);
        peer.Due("Retransmit");
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal(TcpCloseReason.TimedOut, flow.CloseReason);
        flow.Release(peer.Now);
    }

    [Fact]
    public void AcknowledgmentEndsTheBackOff()
    {
        using ScriptedPeer peer = new(sacks: false);
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 100);
        peer.Next();
        for (int i = 0; i < 5; i++)
        {
            peer.Due("Retransmit");
            peer.Next();
        }

        Acknowledge(peer, 100);
        Write(peer, flow, 100);
        peer.Next();
        Assert.Equal(200_001, peer.Due("Retransmit"));
        peer.Next();
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void RoundTripsShapeTheTimeOutAsRfc6298Says()
    {
        using ScriptedPeer peer = new(sacks: false);
        peer.SendSyn();
        TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
        flow.Accept(peer.Now);
        peer.Expected = peer.Next().Sequence + 1;
        peer.Now += 400_000;
        peer.Send(TcpFlags.Ack); // SRTT 400 ms, RTTVAR 200 ms
        Write(peer, flow, 100);
        peer.Next();
        peer.Now += 200_000;
        Acknowledge(peer, 100); // RTTVAR 3/4 * 200 + 1/4 * 200 = 200 ms, SRTT 7/8 * 400 + 1/8 * 200 = 375 ms
        Write(peer, flow, 100);
        peer.Next();
        Assert.Equal(375_000 + 800_000, peer.Due("Retransmit"));
        peer.Next();
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void ThreeSackedSegmentsMakeTheLostOneGoAgainAtOnce()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect(roundTrip: 10_000);
        Write(peer, flow, 30 * Mss);
        List<Segment> sent = peer.All();
        peer.Now += 10_000;
        uint hole = sent[0].Sequence;
        for (uint i = 1; i <= 2; i++)
        {
            peer.Send(TcpFlags.Ack, acknowledgment: hole, sacks: [new SackBlock(hole + Mss, hole + (Mss * (i + 1)))]);
            Segment fresh = peer.Next(); // limited transmit: new data for what has left
            Assert.Equal(sent[^1].Sequence + (i * Mss), fresh.Sequence);
        }

        peer.Send(TcpFlags.Ack, acknowledgment: hole, sacks: [new SackBlock(hole + Mss, hole + (Mss * 4))]);
        Assert.Equal(hole, peer.Next().Sequence);
        Assert.Equal(1, peer.Stack.Counters.FastRecoveries);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void LostRetransmissionIsFoundWithoutATimeOut()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect(roundTrip: 10_000);
        Write(peer, flow, 40 * Mss);
        List<Segment> sent = peer.All();
        uint hole = sent[0].Sequence;
        peer.Now += 10_000;
        peer.Send(TcpFlags.Ack, acknowledgment: hole, sacks: [new SackBlock(hole + Mss, hole + (Mss * 10))]);
        List<Segment> recovery = peer.All();
        Assert.Equal(hole, recovery[0].Sequence);
        Assert.True(recovery.Count > 1);
        uint last = recovery[^1].Sequence + Mss;
        peer.Now += 10_001; // what was sent after the retransmission has arrived
        peer.Send(TcpFlags.Ack, acknowledgment: hole, sacks: [new SackBlock(hole + Mss, last)]);
        List<Segment> again = peer.All();
        if (again.Count == 0 || again[0].Sequence != hole)
        {
            peer.Due("Reorder");
            again = peer.All();
        }

        Assert.Contains(again, s => s.Sequence == hole);
        Assert.Equal(0, peer.Stack.Counters.Timeouts);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void WithoutSackThreeDuplicatesRetransmitAndEachPartialAcknowledgmentTheNext()
    {
        using ScriptedPeer peer = new(sacks: false);
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 10 * Mss);
        uint start = peer.All()[0].Sequence;
        peer.Now += 10_000;
        for (int i = 0; i < 2; i++)
        {
            peer.Send(TcpFlags.Ack, acknowledgment: start);
            Assert.Null(peer.TryNext());
        }

        peer.Send(TcpFlags.Ack, acknowledgment: start);
        Assert.Equal(start, peer.Next().Sequence);
        peer.Now += 10_000;
        peer.Send(TcpFlags.Ack, acknowledgment: start + (4 * Mss)); // the fifth is lost, too
        Assert.Equal(start + (4 * Mss), peer.All()[0].Sequence);
        peer.Now += 10_000;
        peer.Send(TcpFlags.Ack, acknowledgment: start + (10 * Mss));
        Assert.Equal(1, peer.Stack.Counters.FastRecoveries);
        Assert.Equal(0, peer.Stack.Counters.Timeouts);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void LostTailIsProbedBeforeTheTimeOut()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 4 * Mss);
        List<Segment> sent = peer.All();
        Assert.Equal(2_002, peer.Due("TailProbe")); // two round trips of 1, and slack
        Segment probe = peer.Next();
        Assert.Equal(sent[^1].Sequence, probe.Sequence);
        peer.Now += 1000;
        peer.Send(TcpFlags.Ack, acknowledgment: sent[0].Sequence, sacks: [new SackBlock(probe.Sequence, probe.Sequence + Mss)]);
        List<Segment> again = peer.All();
        if (again.Count == 0)
        {
            peer.Due("Reorder");
            again = peer.All();
        }

        Assert.Equal(sent[0].Sequence, again[0].Sequence);
        Assert.Equal(0, peer.Stack.Counters.Timeouts);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void NeedlessTimeOutIsUndone()
    {
        using ScriptedPeer peer = new(timestamps: true);
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 30 * Mss);
        List<Segment> sent = peer.All();
        peer.Due("TailProbe");
        peer.All();
        peer.Due("Retransmit");
        Assert.Single(peer.All());
        peer.Now += 5_000;
        peer.TimestampEcho = sent[0].TimestampValue; // the answer to the first transmission, late
        peer.Send(TcpFlags.Ack, acknowledgment: sent[1].Sequence);
        Assert.Equal(1, peer.Stack.Counters.SpuriousTimeouts);
        List<Segment> next = peer.All();
        Assert.All(next, s => Assert.True(s.Sequence > sent[^1].Sequence, "sent again for nothing"));
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void ClosedWindowIsProbedEverMoreRarelyAndOpensAgain()
    {
        using ScriptedPeer peer = new() { Window = 1460 };
        TcpFlow flow = peer.Connect(windowScale: 0);
        Write(peer, flow, 3 * Mss);
        Segment only = Assert.Single(peer.All());
        peer.Window = 0;
        peer.Now += 1_000;
        Acknowledge(peer, Mss);
        Assert.Null(peer.TryNext());
        List<long> waits = [];
        for (int i = 0; i < 4; i++)
        {
            waits.Add(peer.Due("Persist"));
            Segment probe = peer.Next();
            Assert.Empty(probe.Payload);
            Assert.Equal(only.Sequence + Mss - 1, probe.Sequence);
            if (i == 3)
            {
                peer.Window = 4096;
            }
        }

        Assert.Equal(waits[0] * 2, waits[1]);
        Assert.Equal(waits[0] * 8, waits[3]);
        peer.Send(TcpFlags.Ack);
        Assert.Equal(2, peer.All().Count);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void SmallWindowIsUsedOnlyWhenItIsMuchOrAfterAWhile()
    {
        using ScriptedPeer peer = new() { Window = 10_000 };
        TcpFlow flow = peer.Connect(windowScale: 0);
        peer.Window = 100;
        peer.Send(TcpFlags.Ack);
        Write(peer, flow, 5 * Mss);
        Assert.Null(peer.TryNext());
        peer.Due("Persist");
        Assert.Equal(100, peer.Next().Payload.Length);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void ThePeersSegmentSizeIsRespectedAndTimestampsCountIn()
    {
        using ScriptedPeer peer = new(timestamps: true, mss: 1000);
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 2000);
        Assert.Equal([988, 988, 24], peer.All().Select(s => s.Payload.Length));
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void OffloadingLinkGetsSuperSegmentsWithPartialChecksums()
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = true });
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 600_000);
        List<Segment> first = peer.All(); // the first block of a flow is a small one
        Assert.Equal([Mss, 9 * Mss], first.Select(s => s.Payload.Length));
        Assert.Equal(new PacketOffload(ChecksumState.Partial, 0), first[0].Offload);
        Segment super = first[1];
        Assert.Equal(new PacketOffload(ChecksumState.Partial, Mss), super.Offload);
        peer.Expected += Mss;
        ushort expected = Checksum.Partial(super.Ip.Source, super.Ip.Destination, IpProtocol.Tcp, super.Ip.PayloadLength);
        Assert.Equal(expected, (ushort)((super.Packet[36] << 8) | super.Packet[37]));
        List<Segment> sent = [super];
        for (int i = 0; i < 4; i++)
        {
            peer.Now += 100;
            Acknowledge(peer, sent.Sum(s => s.Payload.Length));
            sent = peer.All();
        }

        Assert.InRange(sent.Max(s => s.Packet.Length), 60_000, 65_535);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void TooBigMessageForOurSegmentMakesThemSmaller()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 3 * Mss);
        List<Segment> sent = peer.All();
        TooBig(peer, sent[0], 1000);
        List<Segment> again = peer.All();
        Assert.Equal(sent[0].Sequence, again[0].Sequence);
        Assert.All(again, s => Assert.True(s.Packet.Length <= 1000));
        TooBig(peer, sent[0], 1400); // never larger again
        Write(peer, flow, 2000);
        again = peer.All();
        Assert.NotEmpty(again);
        Assert.All(again, s => Assert.True(s.Packet.Length <= 1000));

        TooBig(peer, sent[0], 100);
        Write(peer, flow, 3 * Mss);
        peer.Now += 1000;
        peer.Send(TcpFlags.Ack, acknowledgment: sent[^1].Sequence + Mss);
        Assert.Equal(536, peer.All()[0].Payload.Length); // the floor
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void TooBigMessageForWhatIsNotInFlightIsIgnored()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        Write(peer, flow, Mss);
        Segment sent = peer.Next();
        peer.Send(TcpFlags.Ack, acknowledgment: sent.Sequence + Mss);
        TooBig(peer, sent, 600);
        Write(peer, flow, Mss);
        Assert.Equal(Mss, peer.Next().Payload.Length);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void IdleConnectionIsProbedAndGivenUp()
    {
        using ScriptedPeer peer = new(new StackOptions { KeepAlive = 100_000_000 });
        TcpFlow flow = peer.Connect();
        Assert.Equal(100_000_000, peer.Due("KeepAlive"));
        Segment probe = peer.Next();
        Assert.Equal(peer.Expected - 1, probe.Sequence);
        peer.Send(TcpFlags.Ack); // answered
        Assert.Equal(100_000_000, peer.Due("KeepAlive"));
        for (int i = 0; i < 8; i++)
        {
            peer.Next();
            Assert.Equal(75_000_000, peer.Due("KeepAlive"));
        }

        peer.Next();
        peer.Due("KeepAlive");
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal(TcpCloseReason.TimedOut, flow.CloseReason);
        flow.Release(peer.Now);
    }

    [Fact]
    public void IdleSenderStartsSlowlyAgain()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 30 * Mss);
        peer.All();
        peer.Now += 1000;
        Acknowledge(peer, 10 * Mss);
        Assert.Equal(20, peer.All().Count);
        peer.Now += 1000;
        Acknowledge(peer, 20 * Mss);
        peer.Now += 10_000_000;
        Write(peer, flow, 100 * Mss);
        Assert.Equal(10, peer.All().Count);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void FullSendBufferLendsNothingAndTellsWhenThereIsRoom()
    {
        using ScriptedPeer peer = new(new StackOptions { SendBuffer = 100_000 });
        TcpFlow flow = peer.Connect();
        int written = 0;
        while (flow.GetMemory() is { IsEmpty: false } memory)
        {
            flow.Advance(memory.Length, peer.Now);
            written += memory.Length;
        }

        Assert.InRange(written, 70_000, 100_000);
        peer.NoEvent();
        int sent = peer.All().Sum(s => s.Payload.Length);
        Acknowledge(peer, sent);
        peer.All();
        peer.NoEvent();
        Acknowledge(peer, 2 * sent);
        peer.Event(StackEventKind.TcpWritable);
        peer.NoEvent();
        Assert.False(flow.GetMemory().IsEmpty);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void LentMemoryStaysValidThoughTheConnectionIsReset()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        Memory<byte> lent = flow.GetMemory();
        peer.Send(TcpFlags.Rst);
        lent.Span.Fill(7);
        Assert.Equal(1, peer.Pool.Outstanding);
        flow.Advance(lent.Length, peer.Now);
        Assert.True(flow.GetMemory().IsEmpty);
        Assert.Equal(0, peer.Pool.Outstanding);
        Assert.Null(peer.TryNext());
        flow.Release(peer.Now);
    }

    [Fact]
    public void FlowsTakeTurns()
    {
        using ScriptedPeer peer = new();
        List<TcpFlow> flows = [];
        for (int i = 0; i < 3; i++)
        {
            peer.Local = peer.Local with { Port = (ushort)(41000 + i) };
            peer.Sequence = 1000;
            flows.Add(peer.Connect());
        }

        foreach (TcpFlow flow in flows)
        {
            Write(peer, flow, 10 * Mss);
        }

        ushort[] ports = peer.All().Select(s => s.Tcp.DestinationPort).ToArray();
        Assert.Equal(30, ports.Length);
        Assert.Equal(3, ports[..24].Distinct().Count());
        foreach (TcpFlow flow in flows)
        {
            flow.Release(peer.Now);
        }

        peer.All();
    }

    [Fact]
    public void NothingIsAllocatedPerPacketOnceWarm()
    {
        using ScriptedPeer peer = new(timestamps: true);
        TcpFlow flow = peer.Connect();
        byte[] scratch = new byte[IpStack.HeaderRoom];
        byte[] data = new byte[1000];
        long before = 0;
        for (int i = 0; i < 3000; i++)
        {
            if (i == 1000)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            peer.Now += 100;
            flow.GetMemory();
            flow.Advance(1200, peer.Now);
            peer.Expected += 1200;
            while (peer.Stack.TryTransmit(peer.Now, scratch, out OutgoingPacket _))
            {
            }

            peer.TimestampEcho = peer.TimestampNow;
            peer.Send(TcpFlags.Ack, data, sequence: peer.Sequence);
            while (peer.Stack.TryNextEvent(out StackEvent _))
            {
            }

            flow.Consume(flow.Received.Length, peer.Now);
            while (peer.Stack.TryTransmit(peer.Now, scratch, out OutgoingPacket _))
            {
            }
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        flow.Release(peer.Now);
        peer.All();
    }

    private static void Write(ScriptedPeer peer, TcpFlow flow, int bytes)
    {
        while (bytes > 0)
        {
            Memory<byte> memory = flow.GetMemory();
            Assert.False(memory.IsEmpty);
            int count = Math.Min(bytes, memory.Length);
            flow.Advance(count, peer.Now);
            bytes -= count;
        }
    }

    private static void Acknowledge(ScriptedPeer peer, int bytes)
    {
        peer.Expected += (uint)bytes;
        peer.Send(TcpFlags.Ack);
    }

    private static void TooBig(ScriptedPeer peer, Segment about, int mtu)
    {
        PacketBuffer error = peer.Pool.Rent(IcmpError.MaxV6);
        error.Length = IcmpError.Write(error.Array, about.Ip, about.Packet, ScriptedPeer.End("10.0.0.254", 0).Address, IcmpErrorKind.TooBig, mtu);
        peer.Stack.Receive(error, peer.Now);
    }
}
