using System;
using System.Buffers.Binary;
using System.Net;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class IcmpTests
{
    private readonly byte[] _error = new byte[IcmpError.MaxV6];

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 57)]
    [InlineData(false, 0)]
    [InlineData(false, 57)]
    public void AnEchoRequestTurnsIntoItsReply(bool v4, int length)
    {
        byte[] packet = SamplePackets.Echo(v4, length, id: 0xABCD, sequence: 3);
        Assert.True(IpHeader.TryParse(packet, out IpHeader request));
        Assert.True(IcmpHeader.TryParse(packet.AsSpan(request.HeaderLength), out IcmpHeader asked));
        Assert.True(IcmpEcho.IsRequest(request, asked));

        IcmpEcho.TurnIntoReply(packet, request);

        Assert.True(IpHeader.TryParse(packet, out IpHeader reply));
        Assert.Equal((request.Destination, request.Source, (byte)64), (reply.Source, reply.Destination, reply.HopLimit));
        Assert.True(Checksum.IsTransportValid(reply, packet.AsSpan(reply.HeaderLength)));
        Assert.True(IcmpHeader.TryParse(packet.AsSpan(reply.HeaderLength), out IcmpHeader answer));
        Assert.Equal((v4 ? 0 : 129, 0, 0xABCD, 3), (answer.Type, answer.Code, answer.Identifier, answer.Sequence));
        Assert.False(IcmpEcho.IsRequest(reply, answer));
        Assert.Equal(SamplePackets.Payload(length), packet[^length..]);
    }

    [Fact]
    public void AnEchoOfNothingButZerosIsAnsweredWithARightChecksum()
    {
        byte[] packet = SamplePackets.Echo(true, 0, id: 0, sequence: 0);
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        IcmpEcho.TurnIntoReply(packet, ip);
        Assert.Equal(0, Checksum.Compute(packet.AsSpan(20)));
    }

    [Theory]
    [InlineData(true, (int)IcmpErrorKind.NetworkUnreachable, 3, 0)]
    [InlineData(true, (int)IcmpErrorKind.HostUnreachable, 3, 1)]
    [InlineData(true, (int)IcmpErrorKind.ProtocolUnreachable, 3, 2)]
    [InlineData(true, (int)IcmpErrorKind.PortUnreachable, 3, 3)]
    [InlineData(true, (int)IcmpErrorKind.TooBig, 3, 4)]
    [InlineData(true, (int)IcmpErrorKind.Prohibited, 3, 13)]
    [InlineData(false, (int)IcmpErrorKind.NetworkUnreachable, 1, 0)]
    [InlineData(false, (int)IcmpErrorKind.HostUnreachable, 1, 3)]
    [InlineData(false, (int)IcmpErrorKind.ProtocolUnreachable, 4, 1)]
    [InlineData(false, (int)IcmpErrorKind.PortUnreachable, 1, 4)]
    [InlineData(false, (int)IcmpErrorKind.TooBig, 2, 0)]
    [InlineData(false, (int)IcmpErrorKind.Prohibited, 1, 1)]
    public void AnErrorNamesItsKindAndQuotesThePacket(bool v4, int kind, byte type, byte code)
    {
        byte[] packet = SamplePackets.Udp(v4, 100);
        ReadOnlySpan<byte> error = Error(packet, (IcmpErrorKind)kind, mtu: 1400);

        Assert.True(IpHeader.TryParse(error, out IpHeader ip));
        Assert.Equal((SamplePackets.Server(v4).Address, SamplePackets.Client(v4).Address), (ip.Source, ip.Destination));
        Assert.Equal(error.Length, ip.TotalLength);
        Assert.True(Checksum.IsTransportValid(ip, error[ip.HeaderLength..]));
        Assert.True(IcmpHeader.TryParse(error[ip.HeaderLength..], out IcmpHeader icmp));
        Assert.Equal((type, code), (icmp.Type, icmp.Code));
        Assert.True(IcmpHeader.IsError(ip.Version, icmp.Type));
        uint rest = (IcmpErrorKind)kind == IcmpErrorKind.TooBig ? 1400u : (IcmpErrorKind)kind == IcmpErrorKind.ProtocolUnreachable && !v4 ? 6u : 0;
        Assert.Equal(rest, icmp.Rest);
        Assert.Equal(packet, error[(ip.HeaderLength + 8)..].ToArray());
    }

    [Theory]
    [InlineData(true, 576)]
    [InlineData(false, 1280)]
    public void AnErrorQuotesAsMuchAsFits(bool v4, int most)
    {
        byte[] packet = SamplePackets.Udp(v4, 1400);
        Assert.Equal(most, Error(packet, IcmpErrorKind.PortUnreachable).Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void NoErrorAnswersAnError(bool v4)
    {
        byte[] error = Error(SamplePackets.Udp(v4, 10), IcmpErrorKind.PortUnreachable).ToArray();
        Assert.True(Error(error, IcmpErrorKind.PortUnreachable).IsEmpty);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnErrorAnswersAnEchoRequestButNoIcmpWithoutAType(bool v4)
    {
        Assert.False(Error(SamplePackets.Echo(v4, 10), IcmpErrorKind.HostUnreachable).IsEmpty);
        byte[] bare = new byte[v4 ? 20 : 40];
        IpWriter.Write(bare, SamplePackets.Client(v4).Address, SamplePackets.Server(v4).Address, v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, 0);
        Assert.True(Error(bare, IcmpErrorKind.HostUnreachable).IsEmpty);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnErrorAnswersTheFirstFragmentOnly(bool v4)
    {
        Assert.False(Error(SamplePackets.Fragment(v4, IpProtocol.Udp, 0, new byte[16], more: true), IcmpErrorKind.PortUnreachable).IsEmpty);
        Assert.True(Error(SamplePackets.Fragment(v4, IpProtocol.Udp, 16, new byte[16], more: true), IcmpErrorKind.PortUnreachable).IsEmpty);
    }

    [Theory]
    [InlineData("10.0.0.1", "224.0.0.251")]
    [InlineData("10.0.0.1", "255.255.255.255")]
    [InlineData("0.0.0.0", "10.0.0.1")]
    [InlineData("127.0.0.1", "10.0.0.1")]
    [InlineData("fe80::1", "ff02::1")]
    [InlineData("ff02::1", "fe80::1")]
    [InlineData("::", "fe80::1")]
    public void NoErrorGoesFromOrToManyOrNobody(string source, string destination)
    {
        IpAddr from = IpAddr.From(IPAddress.Parse(source)), to = IpAddr.From(IPAddress.Parse(destination));
        byte[] packet = new byte[(from.IsV4 ? 20 : 40) + 8];
        IpWriter.Write(packet, from, to, IpProtocol.Udp, 8);
        Assert.True(Error(packet, IcmpErrorKind.PortUnreachable).IsEmpty);
    }

    [Fact]
    public void AnUnknownNextHeaderIsPointedAt()
    {
        byte[] packet = SamplePackets.WithExtensions(SamplePackets.Udp(false, 10), (IpProtocol.DestinationOptions, [0, 0, 1, 4, 0, 0, 0, 0]));
        packet[40] = 200;
        ReadOnlySpan<byte> error = Error(packet, IcmpErrorKind.ProtocolUnreachable);
        Assert.Equal(40u, BinaryPrimitives.ReadUInt32BigEndian(error[44..]));
    }

    private ReadOnlySpan<byte> Error(byte[] packet, IcmpErrorKind kind, int mtu = 0)
    {
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        return _error.AsSpan(0, IcmpError.Write(_error, ip, packet, ip.Destination, kind, mtu));
    }
}
