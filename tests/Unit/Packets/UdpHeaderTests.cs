using System;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class UdpHeaderTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatIsWrittenReadsTheSameAndItsChecksumIsRight(bool v4)
    {
        byte[] packet = SamplePackets.Udp(v4, 77);
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        ReadOnlySpan<byte> datagram = packet.AsSpan(ip.HeaderLength);
        Assert.True(UdpHeader.TryParse(datagram, out UdpHeader udp));
        Assert.Equal((40000, 443, 85), (udp.SourcePort, udp.DestinationPort, udp.Length));
        Assert.True(Checksum.IsTransportValid(ip, datagram));
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        byte[] datagram = SamplePackets.Udp(true, 5)[20..];
        for (int length = 0; length < datagram.Length; length++)
        {
            Assert.False(UdpHeader.TryParse(datagram.AsSpan(0, length), out _), $"{length} bytes");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void ALengthBelowTheHeaderIsRefused(byte length)
    {
        byte[] datagram = SamplePackets.Udp(true, 5)[20..];
        datagram[5] = length;
        Assert.False(UdpHeader.TryParse(datagram, out _));
    }

    [Fact]
    public void WhatIpCarriesBehindTheDatagramIsNotPartOfIt()
    {
        byte[] packet = SamplePackets.Udp(true, 5);
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        byte[] datagram = [.. packet[20..], 1, 2, 3];
        Assert.True(UdpHeader.TryParse(datagram, out UdpHeader udp));
        Assert.Equal(13, udp.Length);
        Assert.True(Checksum.IsTransportValid(ip, datagram));
    }
}
