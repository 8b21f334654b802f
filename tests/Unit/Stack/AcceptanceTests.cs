using System;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>Which segments a connection takes (RFC 9293 section 3.10.7.4, RFC 5961, RFC 7323).</summary>
public sealed class AcceptanceTests
{
    [Fact]
    public void ResetAtTheExpectedSequenceEndsTheConnection()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Rst);
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal(TcpCloseReason.PeerReset, flow.CloseReason);
        Assert.Null(peer.TryNext());
        Assert.Equal(0, peer.Stack.TcpFlowCount);
        flow.Release(peer.Now);
    }

    [Theory]
    [InlineData(TcpFlags.Rst, 1)]
    [InlineData(TcpFlags.Rst, 60_000)]
    [InlineData(TcpFlags.Syn, 0)]
    [InlineData(TcpFlags.Syn, 60_000)]
    internal void ResetOrSynElsewhereInTheWindowIsChallengedAndNoMoreThanTwiceASecond(TcpFlags flags, int ahead)
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        uint start = peer.Sequence + (uint)ahead;
        peer.Send(flags, sequence: start);
        peer.Sequence = 1001;
        Segment challenge = peer.Next();
        Assert.Equal((TcpFlags.Ack, 1001u), (challenge.Flags, challenge.Acknowledgment));
        peer.NoEvent();
        peer.Send(flags, sequence: start);
        Assert.Null(peer.TryNext());
        peer.Now += 500_000;
        peer.Send(flags, sequence: start);
        Assert.Equal(TcpFlags.Ack, peer.Next().Flags);
        Assert.Equal(2, peer.Stack.Counters.ChallengeAcks);
        flow.Release(peer.Now);
    }

    [Fact]
    public void ResetOutOfTheWindowIsDropped()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Rst, sequence: peer.Sequence - 1);
        peer.Send(TcpFlags.Rst, sequence: peer.Sequence + 3_000_000);
        Assert.Null(peer.TryNext());
        peer.NoEvent();
        flow.Release(peer.Now);
    }

    [Fact]
    public void AcknowledgmentOfWhatWasNeverSentIsChallengedAndItsDataNotTaken()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Ack, [1], sequence: 1001, acknowledgment: peer.Expected + 1);
        Assert.Equal(1001u, peer.Next().Acknowledgment);
        peer.NoEvent();
        Assert.Equal(1, peer.Stack.Counters.ChallengeAcks);
        flow.Release(peer.Now);
    }

    [Fact]
    public void AcknowledgmentFromLongAgoIsChallenged()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect(windowScale: 0);
        peer.Send(TcpFlags.Ack, [1], sequence: 1001, acknowledgment: peer.Expected - 70_000);
        peer.NoEvent();
        Assert.Equal(1, peer.Stack.Counters.ChallengeAcks);
        flow.Release(peer.Now);
    }

    [Fact]
    public void OldTimestampIsAnsweredAndItsDataNotTaken()
    {
        using ScriptedPeer peer = new(timestamps: true);
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Ack, [1], timestamp: peer.TimestampNow - 1);
        peer.Sequence = 1001;
        Assert.Equal(1001u, peer.Next().Acknowledgment);
        peer.NoEvent();
        Assert.Equal(1, peer.Stack.Counters.Drops[DropReason.Segment]);
        flow.Release(peer.Now);
    }

    [Fact]
    public void SegmentWithoutItsTimestampIsDropped()
    {
        using ScriptedPeer peer = new(timestamps: true);
        TcpFlow flow = peer.Connect();
        peer.Send(new TcpHeader
        {
            SourcePort = peer.Local.Port,
            DestinationPort = peer.Remote.Port,
            Sequence = peer.Sequence,
            Acknowledgment = peer.Expected,
            Flags = TcpFlags.Ack,
            Window = 100,
        }, [1]);
        Assert.Null(peer.TryNext());
        peer.NoEvent();
        flow.Release(peer.Now);
    }

    [Fact]
    public void TimestampIsComparedNoMoreAfter24Days()
    {
        using ScriptedPeer peer = new(new StackOptions { KeepAlive = 0 }, timestamps: true);
        TcpFlow flow = peer.Connect();
        uint old = peer.TimestampNow - 1;
        peer.Now += 25L * 86_400 * 1_000_000;
        peer.Send(TcpFlags.Ack, [1], timestamp: old);
        peer.Event(StackEventKind.TcpReadable);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void TimestampEchoIsOfTheSegmentThatMovedTheAcknowledgment()
    {
        using ScriptedPeer peer = new(timestamps: true);
        TcpFlow flow = peer.Connect();
        uint first = peer.TimestampNow;
        peer.Now += 10_000;
        peer.Send(TcpFlags.Ack, new byte[10], sequence: peer.Sequence + 10); // beyond a gap: not the echo's
        Assert.Equal(first, peer.Next().Tcp.TimestampEcho);
        peer.Send(TcpFlags.Ack, new byte[10]);
        Assert.Equal(peer.TimestampNow, peer.Next().Tcp.TimestampEcho);
        peer.Event(StackEventKind.TcpReadable);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void DataOutOfTheWindowIsAnsweredWithWhereWeAre()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Ack, [1], sequence: peer.Sequence + 5_000_000);
        Assert.Equal((TcpFlags.Ack, 1001u), (peer.Next().Flags, 1001u));
        peer.NoEvent();
        flow.Release(peer.Now);
    }

    [Fact]
    public void KeepAliveOfThePeerIsAnswered()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Ack, sequence: peer.Sequence - 1);
        Assert.Equal(1001u, peer.Next().Acknowledgment);
        flow.Release(peer.Now);
    }

    [Fact]
    public void SegmentWithoutAckIsDropped()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Psh, [1]);
        Assert.Null(peer.TryNext());
        peer.NoEvent();
        flow.Release(peer.Now);
    }

    [Fact]
    public void WrongChecksumIsDroppedUnlessTheDeviceVouches()
    {
        using ScriptedPeer peer = new();
        peer.Stack.Receive(Syn(peer, default), peer.Now);
        peer.NoEvent();
        Assert.Equal(1, peer.Stack.Counters.Drops[DropReason.TransportChecksum]);
        peer.Stack.Receive(Syn(peer, new PacketOffload(ChecksumState.Partial, 0)), peer.Now);
        peer.Event(StackEventKind.TcpOpening);

        static PacketBuffer Syn(ScriptedPeer peer, PacketOffload offload)
        {
            TcpHeader header = new() { SourcePort = 1, DestinationPort = 2, Flags = TcpFlags.Syn };
            PacketBuffer packet = peer.Pool.Rent(100);
            int start = IpWriter.Write(packet.Array, peer.Local.Address, peer.Remote.Address, IpProtocol.Tcp, 20);
            packet.Length = start + header.Write(packet.Array.AsSpan(start));
            packet.Offload = offload;
            return packet;
        }
    }

    [Theory]
    [InlineData("127.0.0.1", "192.0.2.1", DropReason.MartianSource)]
    [InlineData("224.0.0.1", "192.0.2.1", DropReason.MartianSource)]
    [InlineData("10.0.0.1", "255.255.255.255", DropReason.MartianDestination)]
    [InlineData("10.0.0.1", "224.0.0.251", DropReason.MartianDestination)]
    [InlineData("10.0.0.1", "127.0.0.1", DropReason.MartianDestination)]
    [InlineData("fe80::1", "ff02::2", DropReason.MartianDestination)]
    [InlineData("::1", "2001:db8::1", DropReason.MartianSource)]
    public void ImpossibleAddressesAreDropped(string source, string destination, DropReason reason)
    {
        using ScriptedPeer peer = new();
        peer.Local = ScriptedPeer.End(source, 1);
        peer.Remote = ScriptedPeer.End(destination, 2);
        peer.SendSyn();
        peer.NoEvent();
        Assert.Null(peer.TryNext());
        Assert.Equal(1, peer.Stack.Counters.Drops[reason]);
    }
}
