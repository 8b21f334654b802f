using System;
using System.Collections.Generic;
using System.Linq;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>UDP, ICMP and what is neither.</summary>
public sealed class DatagramTests
{
    private static readonly IpEndpoint Application = ScriptedPeer.End("10.0.0.1", 5000);
    private static readonly IpEndpoint Server = ScriptedPeer.End("192.0.2.7", 53);
    private static readonly IpEndpoint ApplicationV6 = ScriptedPeer.End("2001:db8::1", 5000);
    private static readonly IpEndpoint ServerV6 = ScriptedPeer.End("2001:db8::7", 53);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1472)]
    [InlineData(8000)]
    [InlineData(65_507)]
    public void DatagramsGoBothWaysInOnePieceOrMany(int size)
    {
        using ScriptedPeer peer = new();
        byte[] payload = new byte[size];
        new Random(1).NextBytes(payload);
        foreach ((IpEndpoint application, IpEndpoint server) in new[] { (Application, Server), (ApplicationV6, ServerV6) })
        {
            Send(peer, application, server, payload);
            StackEvent datagram = peer.Event(StackEventKind.Datagram);
            Assert.Equal(application, datagram.Udp!.Source);
            Assert.Equal(server, datagram.Destination);
            Assert.Equal(payload, datagram.Buffer!.Span.ToArray());
            datagram.Buffer.Release();
            Assert.True(datagram.Udp.Send(server, payload, peer.Now));
            List<Segment> packets = peer.All();
            Assert.All(packets, p => Assert.True(p.Packet.Length <= 1500));
            Segment whole = Reassemble(peer, packets);
            Assert.Equal((server.Address, application.Address), (whole.Ip.Source, whole.Ip.Destination));
            Assert.True(UdpHeader.TryParse(whole.Payload, out UdpHeader udp));
            Assert.Equal((server.Port, application.Port), (udp.SourcePort, udp.DestinationPort));
            Assert.Equal(payload, whole.Payload[8..]);
        }
    }

    [Fact]
    public void OneFlowPerSourceWhateverTheDestination()
    {
        using ScriptedPeer peer = new();
        Send(peer, Application, Server, [1]);
        Send(peer, Application, Server with { Port = 99 }, [2]);
        Send(peer, Application with { Port = 5001 }, Server, [3]);
        StackEvent[] events = [Take(peer), Take(peer), Take(peer)];
        Assert.Same(events[0].Udp, events[1].Udp);
        Assert.NotSame(events[0].Udp, events[2].Udp);
        Assert.Equal(99, events[1].Destination.Port);
        Assert.Equal(2, peer.Stack.UdpFlowCount);
    }

    [Fact]
    public void IdleFlowIsClosedAndUseEitherWayKeepsIt()
    {
        using ScriptedPeer peer = new();
        Send(peer, Application, Server, [1]);
        UdpFlow flow = Take(peer).Udp!;
        peer.Now += 200_000_000;
        flow.Send(Server, [1], peer.Now);
        peer.All();
        Assert.Equal(300_000_000, peer.Due("UdpIdle"));
        Assert.Same(flow, peer.Event(StackEventKind.UdpClosed).Udp);
        Assert.False(flow.Send(Server, [1], peer.Now));
        Send(peer, Application, Server, [1]);
        Assert.NotSame(flow, Take(peer).Udp);
    }

    [Fact]
    public void TheIdlestFlowGoesAtTheLimit()
    {
        using ScriptedPeer peer = new(new StackOptions { MaxUdpFlows = 2 });
        Send(peer, Application, Server, [1]);
        UdpFlow first = Take(peer).Udp!;
        Send(peer, Application with { Port = 1 }, Server, [1]);
        UdpFlow second = Take(peer).Udp!;
        first.Send(Server, [1], peer.Now);
        Send(peer, Application with { Port = 2 }, Server, [1]);
        Assert.Same(second, peer.Event(StackEventKind.UdpClosed).Udp);
        Take(peer);
        Assert.Equal(2, peer.Stack.UdpFlowCount);
        peer.All();
    }

    [Fact]
    public void ClosedFlowOpensAnewWithoutAnEvent()
    {
        using ScriptedPeer peer = new();
        Send(peer, Application, Server, [1]);
        UdpFlow flow = Take(peer).Udp!;
        flow.Close();
        peer.NoEvent();
        Assert.Equal(long.MaxValue, peer.Stack.NextDeadline);
        Send(peer, Application, Server, [1]);
        Assert.NotSame(flow, Take(peer).Udp);
    }

    [Theory]
    [InlineData(Refusal.Refused, 3)]
    [InlineData(Refusal.HostUnreachable, 1)]
    [InlineData(Refusal.NetworkUnreachable, 0)]
    [InlineData(Refusal.Prohibited, 13)]
    public void RefusedDatagramIsAnIcmpErrorThatQuotesItsPorts(Refusal refusal, byte code)
    {
        using ScriptedPeer peer = new();
        Send(peer, Application, Server, [1, 2, 3]);
        Take(peer).Udp!.Refuse(Server, refusal, peer.Now);
        Segment error = peer.Next();
        Assert.Equal((IcmpType.Unreachable, code), (error.Payload[0], error.Payload[1]));
        Assert.Equal(Server.Address, error.Ip.Source);
        byte[] quote = error.Payload[8..];
        Assert.True(IpHeader.TryParse(quote, out IpHeader ip));
        Assert.Equal((Application.Address, Server.Address), (ip.Source, ip.Destination));
        Assert.True(UdpHeader.TryParse(quote.AsSpan(ip.HeaderLength), out UdpHeader udp));
        Assert.Equal((Application.Port, Server.Port), (udp.SourcePort, udp.DestinationPort));
    }

    [Fact]
    public void QueueTowardsTheLinkIsBounded()
    {
        using ScriptedPeer peer = new(new StackOptions { MaxDatagramBytes = 10 * PacketPool.SmallSize });
        Send(peer, Application, Server, [1]);
        UdpFlow flow = Take(peer).Udp!;
        for (int i = 0; i < 10; i++)
        {
            Assert.True(flow.Send(Server, new byte[100], peer.Now));
        }

        Assert.False(flow.Send(Server, new byte[100], peer.Now));
        Assert.Equal(10, peer.All().Count);
        Assert.True(flow.Send(Server, new byte[100], peer.Now));
        Assert.False(flow.Send(Server, new byte[65_508], peer.Now));
        Assert.False(flow.Send(ServerV6, new byte[1], peer.Now));
        peer.All();
    }

    [Theory]
    [InlineData(3_000, 1_000, 1_000)]
    [InlineData(2_500, 1_000, 1_000)]
    [InlineData(1_000, 1_000, 0)]
    [InlineData(999, 1_000, 0)]
    [InlineData(128, 1, 1)]
    public void RunOfDatagramsIsOneEventThatSaysHowLongEachIs(int length, ushort told, int expected)
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = true });
        byte[] payload = new byte[length];
        new Random(2).NextBytes(payload);
        Receive(peer, payload, told);
        PacketBuffer buffer = peer.Event(StackEventKind.Datagram).Buffer!;
        Assert.Equal(payload, buffer.Span.ToArray());
        Assert.Equal(expected, buffer.Offload.SegmentSize);
        buffer.Release();
    }

    [Fact]
    public void RunOfMoreDatagramsThanAKernelMakesIsDropped()
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = true });
        Receive(peer, new byte[129], 1);
        peer.NoEvent();
        Assert.Equal(1, peer.Stack.Counters.Drops[DropReason.TransportHeader]);
    }

    [Fact]
    public void EqualDatagramsFromOneSourceLeaveAsOnePacketForALinkThatCutsThem()
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = true, CutsDatagrams = true });
        UdpFlow flow = Open(peer);
        Assert.Equal([(3_000, 1_000)], Packets(peer, () => Send(flow, Server, 1_000, 1_000, 1_000)));

        // A shorter one is the last of its run; a longer one begins another, and so does another source.
        Assert.Equal([(2_500, 1_000), (1_000, 0)], Packets(peer, () => Send(flow, Server, 1_000, 1_000, 500, 1_000)));
        Assert.Equal([(500, 0), (501, 0)], Packets(peer, () => Send(flow, Server, 500, 501)));
        Assert.Equal([(10, 0), (10, 0)], Packets(peer, () =>
        {
            Send(flow, Server, 10);
            Send(flow, Server with { Port = 99 }, 10);
        }));
        Assert.Equal([(20, 10), (0, 0), (10, 0)], Packets(peer, () => Send(flow, Server, 10, 10, 0, 10)));

        // What does not fit a packet is fragmented, in its place.
        Assert.Equal([1_000, 1_480, 528, 1_000], Packets(peer, () => Send(flow, Server, 1_000, 2_000, 1_000)).ConvertAll(p => p.Length));
    }

    [Fact]
    public void RunsAreBoundedInDatagramsAndBytes()
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = true, CutsDatagrams = true });
        UdpFlow flow = Open(peer);
        Assert.Equal([(64, 1), (36, 1)], Packets(peer, () => Send(flow, Server, [.. new int[100].Select(_ => 1)])));
        List<(int Length, int SegmentSize)> large = Packets(peer, () => Send(flow, Server, [.. new int[100].Select(_ => 1_472)]));
        Assert.All(large, p => Assert.InRange(p.Length, 1, 65_507));
        Assert.Equal(147_200, large.Sum(p => p.Length));
        Assert.Equal(3, large.Count);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void RunFromTheExitIsCutByTheLinkOrHere(bool offloads, bool cuts)
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = offloads, CutsDatagrams = cuts });
        UdpFlow flow = Open(peer);
        PacketBuffer run = peer.Pool.Rent(PacketPool.LargeSize);
        run.Length = 20_500;
        new Random(4).NextBytes(run.Span);
        byte[] payload = run.Span.ToArray();
        Assert.True(flow.Send(Server, run, 1_000, peer.Now));
        byte[] scratch = new byte[IpStack.HeaderRoom];
        List<byte> got = [];
        int packets = 0;
        while (peer.Stack.TryTransmit(peer.Now, scratch, out OutgoingPacket packet))
        {
            packets++;
            got.AddRange(packet.Payload);
            Assert.Equal(cuts ? 1_000 : 0, packet.Offload.SegmentSize);
            Assert.Equal(offloads ? ChecksumState.Partial : ChecksumState.Complete, packet.Offload.Checksum);
            byte[] whole = [.. packet.Header, .. packet.Payload];
            Assert.True(IpHeader.TryParse(whole, out IpHeader ip));
            Assert.True(offloads || Checksum.IsTransportValid(ip, whole.AsSpan(ip.HeaderLength)));
        }

        Assert.Equal(payload, got.ToArray());
        Assert.Equal(cuts ? 1 : 21, packets);
    }

    [Fact]
    public void RunWhoseDatagramsDoNotFitAPacketIsFragmentedOneByOne()
    {
        using ScriptedPeer peer = new(new StackOptions { Offloads = true, CutsDatagrams = true });
        UdpFlow flow = Open(peer);
        PacketBuffer run = peer.Pool.Rent(PacketPool.LargeSize);
        run.Length = 4_000;
        Assert.True(flow.Send(Server, run, 2_000, peer.Now));
        Assert.Equal(4, peer.All().Count);
    }

    [Fact]
    public void DatagramsNobodyTakesAreDroppedAtTheLimit()
    {
        using ScriptedPeer peer = new(new StackOptions { MaxDatagramBytes = 1024 * PacketPool.SmallSize });
        for (int i = 0; i < 2000; i++)
        {
            Send(peer, Application, Server, [1]);
        }

        int taken = 0;
        while (peer.Stack.TryNextEvent(out StackEvent happened))
        {
            happened.Buffer!.Release();
            taken++;
        }

        Assert.Equal(1024, taken);
        Assert.Equal(2000 - 1024, peer.Stack.Counters.Drops[DropReason.Limit]);
    }

    [Theory]
    [InlineData(false, 56)]
    [InlineData(true, 56)]
    [InlineData(false, 5000)]
    [InlineData(true, 5000)]
    public void EchoIsAnsweredWithItsPayloadFragmentedOrNot(bool v6, int size)
    {
        using ScriptedPeer peer = new();
        (IpEndpoint application, IpEndpoint server) = v6 ? (ApplicationV6, ServerV6) : (Application, Server);
        byte[] message = Echo(application, server, v6, size);
        SendMessage(peer, application.Address, server.Address, v6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp, message);
        PacketBuffer request = peer.Event(StackEventKind.EchoRequest).Buffer!;
        Assert.True(IpHeader.TryParse(request.Span, out IpHeader ip));
        Assert.Equal(message, request.Span[ip.HeaderLength..].ToArray());
        peer.Stack.ReplyEcho(request, peer.Now);
        Segment reply = Reassemble(peer, peer.All());
        Assert.Equal((server.Address, application.Address), (reply.Ip.Source, reply.Ip.Destination));
        Assert.Equal(v6 ? IcmpType.EchoReplyV6 : IcmpType.EchoReply, reply.Payload[0]);
        Assert.Equal(message[4..], reply.Payload[4..]);
        Assert.True(Checksum.IsTransportValid(reply.Ip, reply.Payload));
    }

    [Fact]
    public void EchoMayBeRefused()
    {
        using ScriptedPeer peer = new();
        SendMessage(peer, Application.Address, Server.Address, IpProtocol.Icmp, Echo(Application, Server, false, 10));
        peer.Stack.RefuseEcho(peer.Event(StackEventKind.EchoRequest).Buffer!, Refusal.HostUnreachable, peer.Now);
        Segment error = peer.Next();
        Assert.Equal((IcmpType.Unreachable, 1), (error.Payload[0], error.Payload[1]));
        SendMessage(peer, Application.Address, Server.Address, IpProtocol.Icmp, Echo(Application, Server, false, 10));
        peer.Stack.RefuseEcho(peer.Event(StackEventKind.EchoRequest).Buffer!, Refusal.Silent, peer.Now);
        Assert.Null(peer.TryNext());
    }

    [Fact]
    public void EchoesInHandAreBoundedAndForgottenInTime()
    {
        using ScriptedPeer peer = new();
        byte[] echo = Echo(Application, Server, false, 10);
        Assert.Equal(256, Flood());
        Assert.Equal(0, Flood());
        peer.Now += 10_000_000;
        Assert.Equal(256, Flood());

        int Flood()
        {
            for (int i = 0; i < 300; i++)
            {
                SendMessage(peer, Application.Address, Server.Address, IpProtocol.Icmp, echo);
            }

            int taken = 0;
            while (peer.Stack.TryNextEvent(out StackEvent happened))
            {
                happened.Buffer!.Release();
                taken++;
            }

            return taken;
        }
    }

    [Theory]
    [InlineData(false, IcmpType.Unreachable, 2)]
    [InlineData(true, IcmpType.ParameterProblemV6, 1)]
    public void OtherProtocolsAreToldToBeUnreachableWithinARate(bool v6, byte type, byte code)
    {
        using ScriptedPeer peer = new();
        (IpEndpoint application, IpEndpoint server) = v6 ? (ApplicationV6, ServerV6) : (Application, Server);
        for (int i = 0; i < 1000; i++)
        {
            SendMessage(peer, application.Address, server.Address, 132, new byte[20]);
        }

        List<Segment> errors = peer.All();
        Assert.Equal(256, errors.Count);
        Assert.Equal((type, code), (errors[0].Payload[0], errors[0].Payload[1]));
        peer.Now += 10_000;
        for (int i = 0; i < 1000; i++)
        {
            SendMessage(peer, application.Address, server.Address, 132, new byte[20]);
        }

        Assert.Equal(10, peer.All().Count);
    }

    [Fact]
    public void UnfinishedFragmentsAreGivenUpInTime()
    {
        using ScriptedPeer peer = new();
        PacketBuffer packet = peer.Pool.Rent(100);
        int header = IpWriter.WriteFragment(packet.Array, Application.Address, Server.Address, IpProtocol.Udp, 16, 7, 0, more: true);
        packet.Length = header + 16;
        peer.Stack.Receive(packet, peer.Now);
        Assert.Equal(1, peer.Pool.Outstanding);
        Assert.Equal(30_000_000, peer.Due("Reassembly"));
        Assert.Equal(0, peer.Pool.Outstanding);
    }

    private static void Receive(ScriptedPeer peer, byte[] payload, ushort segmentSize)
    {
        PacketBuffer packet = peer.Pool.Rent(PacketPool.LargeSize);
        int header = IpWriter.Write(packet.Array, Application.Address, Server.Address, IpProtocol.Udp, 8 + payload.Length);
        header += UdpHeader.Write(packet.Array.AsSpan(header), Application, Server, payload, ChecksumState.Partial);
        payload.CopyTo(packet.Array, header);
        packet.Length = header + payload.Length;
        packet.Offload = new PacketOffload(ChecksumState.Partial, segmentSize);
        peer.Stack.Receive(packet, peer.Now);
    }

    private static UdpFlow Open(ScriptedPeer peer)
    {
        Send(peer, Application, Server, [1]);
        return Take(peer).Udp!;
    }

    private static void Send(UdpFlow flow, IpEndpoint from, params int[] sizes)
    {
        foreach (int size in sizes)
        {
            Assert.True(flow.Send(from, new byte[size], 0));
        }
    }

    private static List<(int Length, int SegmentSize)> Packets(ScriptedPeer peer, Action send)
    {
        send();
        byte[] scratch = new byte[IpStack.HeaderRoom];
        List<(int Length, int SegmentSize)> packets = [];
        while (peer.Stack.TryTransmit(peer.Now, scratch, out OutgoingPacket packet))
        {
            packets.Add((packet.Payload.Length, packet.Offload.SegmentSize));
        }

        return packets;
    }

    private static StackEvent Take(ScriptedPeer peer)
    {
        StackEvent datagram = peer.Event(StackEventKind.Datagram);
        datagram.Buffer!.Release();
        return datagram;
    }

    private static void Send(ScriptedPeer peer, IpEndpoint from, IpEndpoint to, byte[] payload)
    {
        byte[] message = new byte[8 + payload.Length];
        UdpHeader.Write(message, from, to, payload);
        payload.CopyTo(message, 8);
        SendMessage(peer, from.Address, to.Address, IpProtocol.Udp, message);
    }

    private static void SendMessage(ScriptedPeer peer, IpAddr from, IpAddr to, byte protocol, byte[] message)
    {
        Fragmenter fragmenter = new(from, to, protocol, 1500, 42);
        byte[] scratch = new byte[100];
        while (fragmenter.TryNext(scratch, default, message, out OutgoingPacket part))
        {
            PacketBuffer packet = peer.Pool.Rent(part.Length);
            part.Header.CopyTo(packet.Array);
            part.Payload.CopyTo(packet.Array.AsSpan(part.Header.Length));
            packet.Length = part.Length;
            peer.Stack.Receive(packet, peer.Now);
        }
    }

    private static Segment Reassemble(ScriptedPeer peer, List<Segment> packets)
    {
        if (packets.Count == 1)
        {
            return packets[0];
        }

        Reassembler reassembler = new(peer.Pool, 1 << 20, new DropCounters());
        PacketBuffer? whole = null;
        foreach (Segment part in packets)
        {
            PacketBuffer buffer = peer.Pool.Rent(part.Packet.Length);
            part.Packet.CopyTo(buffer.Array, 0);
            buffer.Length = part.Packet.Length;
            whole = reassembler.Add(buffer, part.Ip, 0);
        }

        Assert.NotNull(whole);
        Segment result = Segment.Read(new OutgoingPacket(whole.Span, default, default), offloads: false);
        whole.Release();
        return result;
    }

    private static byte[] Echo(IpEndpoint from, IpEndpoint to, bool v6, int size)
    {
        byte[] message = new byte[8 + size];
        new Random(3).NextBytes(message);
        message[0] = v6 ? IcmpType.EchoRequestV6 : IcmpType.EchoRequest;
        message[1] = message[2] = message[3] = 0;
        ushort checksum = v6 ? Checksum.Transport(from.Address, to.Address, IpProtocol.IcmpV6, message, default) : Checksum.Compute(message);
        message[2] = (byte)(checksum >> 8);
        message[3] = (byte)checksum;
        return message;
    }
}
