using System;
using System.Buffers;
using System.Linq;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>What a connection does with the bytes that come, and what its ACKs say.</summary>
public sealed class ReceiverTests
{
    private static readonly byte[] Full = Enumerable.Range(0, 1460).Select(i => (byte)i).ToArray();

    [Fact]
    public void FirstSegmentsAreAcknowledgedAtOnceAndLaterOnesEverySecondOrAfter40Milliseconds()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = Warm(peer);
        peer.Send(TcpFlags.Ack, Full);
        Assert.Null(peer.TryNext());
        peer.Send(TcpFlags.Ack, Full);
        Assert.Equal(peer.Sequence, peer.Next().Acknowledgment);
        peer.Send(TcpFlags.Ack, Full);
        Assert.Null(peer.TryNext());
        Assert.Equal(40_000, peer.Due("DelayedAck"));
        Assert.Equal(peer.Sequence, peer.Next().Acknowledgment);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void GapIsAcknowledgedAtOnceWithTheNewestBlockFirst()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = Warm(peer);
        uint start = peer.Sequence;
        peer.Send(TcpFlags.Ack, new byte[10], sequence: start + 10);
        Assert.Equal([new SackBlock(start + 10, start + 20)], Blocks(peer.Next()));
        peer.Send(TcpFlags.Ack, new byte[10], sequence: start + 30);
        Assert.Equal([new SackBlock(start + 30, start + 40), new SackBlock(start + 10, start + 20)], Blocks(peer.Next()));
        peer.Send(TcpFlags.Ack, new byte[10], sequence: start + 20);
        Assert.Equal([new SackBlock(start + 10, start + 40)], Blocks(peer.Next()));
        peer.NoEvent();
        peer.Send(TcpFlags.Ack, new byte[10], sequence: start);
        Segment ack = peer.Next();
        Assert.Equal(start + 40, ack.Acknowledgment);
        Assert.Empty(Blocks(ack));
        Assert.Equal(40, flow.Received.Length);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void OnlyThreeBlocksFitBesideTimestamps()
    {
        using ScriptedPeer peer = new(timestamps: true);
        TcpFlow flow = peer.Connect();
        for (uint i = 1; i <= 5; i++)
        {
            peer.Send(TcpFlags.Ack, new byte[10], sequence: peer.Sequence + (i * 20));
        }

        SackBlock[] blocks = Blocks(peer.All()[^1]);
        Assert.Equal(3, blocks.Length);
        Assert.Equal(peer.Sequence + 100, blocks[0].Left);
        flow.Release(peer.Now);
    }

    [Fact]
    public void BytesThatComeTwiceAreReportedOnceAsDuplicate()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = Warm(peer);
        uint start = peer.Sequence;
        peer.Send(TcpFlags.Ack, new byte[10]);
        peer.All();
        peer.Send(TcpFlags.Ack, new byte[10], sequence: start);
        Assert.Equal([new SackBlock(start, start + 10)], Blocks(peer.Next()));
        peer.Send(TcpFlags.Ack, new byte[10], sequence: start + 20);
        Assert.Equal([new SackBlock(start + 20, start + 30)], Blocks(peer.Next()));
        peer.Send(TcpFlags.Ack, new byte[10], sequence: start + 20);
        Assert.Equal([new SackBlock(start + 20, start + 30), new SackBlock(start + 20, start + 30)], Blocks(peer.Next()));
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void OverlapsAreCutAndTheFirstBytesStay()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        uint start = peer.Sequence;
        peer.Send(TcpFlags.Ack, [3, 3, 3, 3], sequence: start + 4);
        peer.Send(TcpFlags.Ack, [9, 9, 9, 9, 9, 9, 9, 9, 9, 9], sequence: start + 2);
        peer.Send(TcpFlags.Ack, [1, 1, 1], sequence: start);
        Assert.Equal([1, 1, 1, 9, 3, 3, 3, 3, 9, 9, 9, 9], flow.Received.ToArray());
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void WindowClosesAsBytesWaitAndItsEdgeNeverMovesBack()
    {
        using ScriptedPeer peer = new(new StackOptions { ReceiveBuffer = 300_000 });
        TcpFlow flow = peer.Connect();
        uint edge = 0;
        byte[] odd = new byte[1333];
        long sent = 0;
        for (int i = 0; i < 400; i++)
        {
            peer.Send(TcpFlags.Ack, odd, sequence: peer.Sequence);
            foreach (Segment ack in peer.All())
            {
                uint now = ack.Acknowledgment + ((uint)ack.Tcp.Window << 3);
                Assert.True(edge == 0 || (int)(now - edge) >= 0, "the window shrank");
                edge = now;
                sent = ack.Acknowledgment - 1001;
            }
        }

        Assert.InRange(flow.Received.Length, 299_000, 300_000 * 9 / 8);
        Assert.Equal(flow.Received.Length, sent);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void ConsumingOpensTheWindowAndTellsSo()
    {
        using ScriptedPeer peer = new(new StackOptions { ReceiveBuffer = 20_000 });
        TcpFlow flow = peer.Connect();
        while (flow.Received.Length < 20_000)
        {
            peer.Send(TcpFlags.Ack, Full);
        }

        Assert.Equal(0, peer.All()[^1].Tcp.Window);
        flow.Consume(500, peer.Now);
        Assert.Null(peer.TryNext()); // not for every byte
        flow.Consume(10_000, peer.Now);
        Assert.InRange(peer.Next().Tcp.Window, 10_000, 10_500);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void ProbeOfAClosedWindowIsAnsweredAndNotTaken()
    {
        using ScriptedPeer peer = new(new StackOptions { ReceiveBuffer = 14_600 });
        TcpFlow flow = peer.Connect();
        for (int i = 0; i < 10; i++)
        {
            peer.Send(TcpFlags.Ack, Full);
        }

        peer.All();
        uint at = peer.Sequence;
        peer.Send(TcpFlags.Ack, [1]);
        Segment ack = peer.Next();
        Assert.Equal((at, 0), (ack.Acknowledgment, ack.Tcp.Window));
        Assert.Equal(14_600, flow.Received.Length);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void FinBeyondAGapCountsOnlyWhenTheGapIsFilled()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        uint start = peer.Sequence;
        peer.Send(TcpFlags.Ack | TcpFlags.Fin, [5, 6], sequence: start + 2);
        Assert.False(flow.ReceiveFinished);
        Assert.Equal(start, peer.Next().Acknowledgment);
        peer.Send(TcpFlags.Ack, [3, 4], sequence: start);
        peer.Event(StackEventKind.TcpReadable);
        Assert.True(flow.ReceiveFinished);
        Assert.Equal(start + 5, peer.Next().Acknowledgment);
        Assert.Equal([3, 4, 5, 6], flow.Received.ToArray());
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void TinySegmentsInLargeBlocksDoNotPinThem()
    {
        using ScriptedPeer peer = new() { BlockSize = PacketPool.LargeSize };
        TcpFlow flow = peer.Connect();
        for (int i = 0; i < 10_000; i++)
        {
            peer.Send(TcpFlags.Ack, [(byte)i]);
            peer.Send(TcpFlags.Ack, [(byte)i], sequence: peer.Sequence + 100 + ((uint)i * 2));
        }

        Assert.InRange(peer.Pool.Outstanding, 1, 1100); // two megabytes of gaps, in small blocks; and the rest together
        peer.All();
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void LargePayloadStaysInItsBlock()
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = true });
        TcpFlow flow = peer.Connect();
        byte[] super = new byte[60_000];
        Random.Shared.NextBytes(super);
        peer.Send(TcpFlags.Ack, super);
        Assert.True(flow.Received.IsSingleSegment);
        Assert.Equal(super, flow.Received.ToArray());
        Assert.Equal(1, peer.Pool.Outstanding);
        flow.Consume(60_000, peer.Now);
        Assert.Equal(0, peer.Pool.Outstanding);
        peer.All();
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void ReadableIsRaisedOnceUntilTaken()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Ack, [1]);
        peer.Send(TcpFlags.Ack, [2]);
        peer.Event(StackEventKind.TcpReadable);
        peer.NoEvent();
        peer.Send(TcpFlags.Ack, [3]);
        peer.Event(StackEventKind.TcpReadable);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void ReceivedBytesStayUntilReleaseThoughTheConnectionIsReset()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Ack, [1, 2, 3]);
        ReadOnlySequence<byte> received = flow.Received;
        peer.Send(TcpFlags.Rst);
        Assert.Equal([1, 2, 3], received.ToArray());
        Assert.NotEqual(0, peer.Pool.Outstanding);
        flow.Release(peer.Now);
        Assert.Equal(0, peer.Pool.Outstanding);
    }

    private static TcpFlow Warm(ScriptedPeer peer)
    {
        TcpFlow flow = peer.Connect();
        for (int i = 0; i < 16; i++)
        {
            peer.Send(TcpFlags.Ack, Full);
            Assert.Equal(peer.Sequence, peer.Next().Acknowledgment);
        }

        flow.Consume(flow.Received.Length, peer.Now);
        peer.All();
        peer.Event(StackEventKind.TcpReadable);
        return flow;
    }

    private static SackBlock[] Blocks(Segment segment)
    {
        SackBlock[] blocks = new SackBlock[segment.Tcp.SackCount];
        for (int i = 0; i < blocks.Length; i++)
        {
            blocks[i] = segment.Tcp.Sacks[i];
        }

        return blocks;
    }
}
