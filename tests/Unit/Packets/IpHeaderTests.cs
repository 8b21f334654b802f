using System;
using System.Buffers.Binary;
using System.Net;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class IpHeaderTests
{
    [Fact]
    public void AnIpv4PacketFromARealCaptureReadsAsItIs()
    {
        byte[] packet = Convert.FromHexString("4510003c1c4640004006b1e6ac100a63ac100a0c");
        byte[] whole = new byte[0x3c];
        packet.CopyTo(whole, 0);
        IpWriter.SetHeaderChecksum(whole.AsSpan(0, 20));

        Assert.True(IpHeader.TryParse(whole, out IpHeader ip));
        Assert.Equal(4, ip.Version);
        Assert.Equal("172.16.10.99", ip.Source.ToString());
        Assert.Equal("172.16.10.12", ip.Destination.ToString());
        Assert.Equal((IpProtocol.Tcp, 20, 60), (ip.Protocol, ip.HeaderLength, ip.TotalLength));
        Assert.Equal((64, 0x10), (ip.HopLimit, ip.TrafficClass));
        Assert.True(ip.DontFragment);
        Assert.False(ip.IsFragment);
        Assert.Equal(0x1c46u, ip.FragmentId);
    }

    [Fact]
    public void AnIpv6PacketReadsAsItIs()
    {
        byte[] packet = Convert.FromHexString("6ab12345" + "0008" + "1137" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" + "0035003500080000");
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        Assert.Equal(6, ip.Version);
        Assert.Equal("2001:db8::1", ip.Source.ToString());
        Assert.Equal("2001:db8::2", ip.Destination.ToString());
        Assert.Equal((IpProtocol.Udp, 40, 48), (ip.Protocol, ip.HeaderLength, ip.TotalLength));
        Assert.Equal((0x37, 0xAB), (ip.HopLimit, ip.TrafficClass));
        Assert.False(ip.IsFragment);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EveryTruncationIsRefused(bool v4)
    {
        byte[] packet = v4
            ? SamplePackets.WithOptions(SamplePackets.Udp(true, 30), 1, 1, 1, 0)
            : SamplePackets.WithExtensions(SamplePackets.Udp(false, 30), (IpProtocol.HopByHop, [0, 0, 1, 4, 0, 0, 0, 0]));
        Assert.True(IpHeader.TryParse(packet, out _));
        for (int length = 0; length < packet.Length; length++)
        {
            Assert.False(IpHeader.TryParse(packet.AsSpan(0, length), out _, out DropReason reason), $"{length} bytes");
            Assert.True(reason is DropReason.Truncated or DropReason.TotalLength or DropReason.HeaderLength, $"{reason}");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PaddingOfTheLinkIsCut(bool v4)
    {
        byte[] packet = SamplePackets.Udp(v4, 1);
        byte[] padded = [.. packet, .. new byte[30]];
        Assert.True(IpHeader.TryParse(padded, out IpHeader ip));
        Assert.Equal(packet.Length, ip.TotalLength);
    }

    [Fact]
    public void EveryFlippedBitOfAnIpv4HeaderIsSeen()
    {
        byte[] packet = SamplePackets.Udp(true, 10);
        for (int bit = 0; bit < 160; bit++)
        {
            packet[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(IpHeader.TryParse(packet, out _), $"bit {bit}");
            packet[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Theory]
    [InlineData(0x15)]
    [InlineData(0x00)]
    [InlineData(0x55)]
    [InlineData(0xF5)]
    public void OtherVersionsAreRefused(byte first)
    {
        byte[] packet = SamplePackets.Udp(true, 10);
        packet[0] = first;
        Assert.False(IpHeader.TryParse(packet, out _, out DropReason reason));
        Assert.Equal(DropReason.Version, reason);
    }

    [Fact]
    public void AnIpv4HeaderShorterThanFiveWordsIsRefused()
    {
        byte[] packet = SamplePackets.Udp(true, 10);
        packet[0] = 0x44;
        Assert.False(IpHeader.TryParse(packet, out _, out DropReason reason));
        Assert.Equal(DropReason.HeaderLength, reason);
    }

    [Fact]
    public void ATotalLengthBelowTheHeaderIsRefused()
    {
        byte[] packet = SamplePackets.Udp(true, 10);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), 19);
        IpWriter.SetHeaderChecksum(packet.AsSpan(0, 20));
        Assert.False(IpHeader.TryParse(packet, out _, out DropReason reason));
        Assert.Equal(DropReason.TotalLength, reason);
    }

    [Fact]
    public void Ipv4OptionsAreSkipped()
    {
        byte[] packet = SamplePackets.WithOptions(SamplePackets.Udp(true, 10), 0x94, 4, 0, 0);
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        Assert.Equal((24, IpProtocol.Udp), (ip.HeaderLength, ip.Protocol));
        Assert.True(Checksum.IsTransportValid(ip, packet.AsSpan(ip.HeaderLength)));
    }

    [Fact]
    public void AnIpv6PayloadLengthOfZeroIsAnEmptyPacketAndNoJumbogram()
    {
        byte[] packet = SamplePackets.Udp(false, 10);
        packet[4] = packet[5] = 0;
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        Assert.Equal((40, 0), (ip.TotalLength, ip.PayloadLength));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFragmentTellsItsPlace(bool v4)
    {
        byte[] fragment = SamplePackets.Fragment(v4, IpProtocol.Udp, 1480, new byte[8], more: true, id: 0x4321);
        Assert.True(IpHeader.TryParse(fragment, out IpHeader ip));
        Assert.True(ip.IsFragment);
        Assert.True(ip.MoreFragments);
        Assert.Equal((1480, 0x4321u), (ip.FragmentOffset, ip.FragmentId));
        Assert.Equal((v4 ? 20 : 48, v4 ? 0 : 40, IpProtocol.Udp), (ip.HeaderLength, ip.FragmentHeaderOffset, ip.Protocol));
    }

    [Theory]
    [InlineData("0.0.0.0", false)]
    [InlineData("0.1.2.3", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("239.255.255.250", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("10.0.0.1", true)]
    [InlineData("198.18.0.1", true)]
    [InlineData("223.255.255.255", true)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("fe80::1", true)]
    [InlineData("2001:db8::1", true)]
    public void OnlySourcesThatAHostMaySendFromAreValid(string source, bool valid)
    {
        IpAddr from = IpAddr.From(IPAddress.Parse(source));
        byte[] packet = new byte[40];
        int length = IpWriter.Write(packet, from, SamplePackets.Server(from.IsV4).Address, IpProtocol.None, 0);
        Assert.True(IpHeader.TryParse(packet.AsSpan(0, length), out IpHeader ip));
        Assert.Equal(valid, ip.IsValidSource);
    }

    [Theory]
    [InlineData(8, DropReason.MartianSource)]
    [InlineData(24, DropReason.MartianDestination)]
    public void MappedAddressesNeverStandOnTheWire(int place, DropReason expected)
    {
        byte[] packet = SamplePackets.Udp(false, 10);
        Convert.FromHexString("00000000000000000000ffff0a000001").CopyTo(packet, place);
        Assert.False(IpHeader.TryParse(packet, out _, out DropReason reason));
        Assert.Equal(expected, reason);
    }

    [Theory]
    [InlineData("224.0.0.251", true)]
    [InlineData("255.255.255.255", true)]
    [InlineData("192.0.2.1", false)]
    [InlineData("ff02::fb", true)]
    [InlineData("fe80::fb", false)]
    public void PacketsToManyAreKnown(string destination, bool many)
    {
        IpAddr to = IpAddr.From(IPAddress.Parse(destination));
        byte[] packet = new byte[40];
        int length = IpWriter.Write(packet, SamplePackets.Client(to.IsV4).Address, to, IpProtocol.None, 0);
        Assert.True(IpHeader.TryParse(packet.AsSpan(0, length), out IpHeader ip));
        Assert.Equal(many, ip.IsToMany);
    }
}
