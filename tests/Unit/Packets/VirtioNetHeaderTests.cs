using System;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class VirtioNetHeaderTests
{
    private static readonly PacketOffload Super = new(ChecksumState.Partial, 1400);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ASuperSegmentIsToldAndReadBack(bool v4)
    {
        byte[] packet = SamplePackets.Tcp(v4, new TcpHeader { Flags = TcpFlags.Ack, HasTimestamp = true }, 5_000);
        int headers = (v4 ? 20 : 40) + 32;
        byte[] header = Written(packet, headers, Super);

        Assert.Equal(
            [1, (byte)(v4 ? 1 : 4), (byte)headers, 0, 0x78, 0x05, (byte)(v4 ? 20 : 40), 0, 16, 0, 0, 0],
            header);
        Assert.True(VirtioNetHeader.TryRead(header, packet, out PacketOffload offload));
        Assert.Equal(Super, offload);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARunOfDatagramsIsToldAndReadBack(bool v4)
    {
        byte[] packet = SamplePackets.Udp(v4, 5_000);
        int headers = (v4 ? 20 : 40) + 8;
        byte[] header = Written(packet, headers, Super);

        Assert.Equal([1, 5, (byte)headers, 0, 0x78, 0x05, (byte)(v4 ? 20 : 40), 0, 6, 0, 0, 0], header);
        Assert.True(VirtioNetHeader.TryRead(header, packet, out PacketOffload offload));
        Assert.Equal(Super, offload);
    }

    [Theory]
    [InlineData(0, 0)] // a run without a checksum to complete
    [InlineData(1, 1)] // TCP segmentation of UDP
    [InlineData(1, 3)] // UDP fragmentation
    [InlineData(1, 4)]
    [InlineData(1, 0x85)] // ECN is TCP's
    [InlineData(3, 0xFF)] // headers longer than the packet
    [InlineData(4, 0)] // a size of zero
    [InlineData(6, 21)] // a checksum that begins elsewhere
    [InlineData(8, 16)] // TCP's place in a datagram
    public void NonsenseAboutARunOfDatagramsIsRefused(int place, byte value)
    {
        byte[] packet = SamplePackets.Udp(true, 5_000);
        byte[] header = Written(packet, 28, new PacketOffload(ChecksumState.Partial, 100));
        Assert.True(VirtioNetHeader.TryRead(header, packet, out _));
        header[place] = value;
        Assert.False(VirtioNetHeader.TryRead(header, packet, out _));
    }

    [Fact]
    public void ASegmentThatNeedsNoCuttingIsNotToldAsASuperSegment()
    {
        byte[] packet = SamplePackets.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, 1400);
        byte[] header = Written(packet, 40, Super);
        Assert.Equal([1, 0, 0, 0, 0, 0, 20, 0, 16, 0, 0, 0], header);
        Assert.True(VirtioNetHeader.TryRead(header, packet, out PacketOffload offload));
        Assert.Equal(new PacketOffload(ChecksumState.Partial, 0), offload);
    }

    [Fact]
    public void AUdpChecksumIsLeftToTheDevice()
    {
        byte[] header = Written(SamplePackets.Udp(false, 10), 48, new PacketOffload(ChecksumState.Partial, 0));
        Assert.Equal([1, 0, 0, 0, 0, 0, 40, 0, 6, 0, 0, 0], header);
    }

    [Fact]
    public void ACompletePacketNeedsNothing() =>
        Assert.Equal(new byte[VirtioNetHeader.Size], Written(SamplePackets.Echo(true, 10), 38, default));

    [Fact]
    public void LeavingTheChecksumOfAnythingElseToTheDeviceIsABug() =>
        Assert.Throws<ArgumentException>(() => Written(SamplePackets.Echo(true, 10), 38, new PacketOffload(ChecksumState.Partial, 0)));

    [Theory]
    [InlineData(0, ChecksumState.Complete)]
    [InlineData(2, ChecksumState.Partial)]
    public void ADeviceMayVouchForAChecksumOrSayNothing(byte flags, ChecksumState expected)
    {
        byte[] header = new byte[12];
        header[0] = flags;
        Assert.True(VirtioNetHeader.TryRead(header, SamplePackets.Echo(true, 10), out PacketOffload offload));
        Assert.Equal(new PacketOffload(expected, 0), offload);
    }

    [Fact]
    public void TheFieldForMergedBuffersIsNotLookedAt()
    {
        byte[] header = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xDB, 0xDB];
        Assert.True(VirtioNetHeader.TryRead(header, SamplePackets.Udp(true, 10), out _));
    }

    [Theory]
    [InlineData(0, 4)] // an unknown flag
    [InlineData(0, 0)] // a super-segment without a checksum to complete
    [InlineData(1, 3)] // UDP fragmentation
    [InlineData(1, 4)] // IPv6 segmentation of an IPv4 packet
    [InlineData(1, 5)] // UDP segmentation of TCP
    [InlineData(1, 0x80)] // ECN without segmentation
    [InlineData(3, 0xFF)] // headers longer than the packet
    [InlineData(6, 21)] // a checksum that begins elsewhere
    [InlineData(6, 40)]
    [InlineData(7, 1)] // behind the packet
    [InlineData(8, 6)] // UDP's place in a TCP segment
    [InlineData(9, 0xFF)]
    public void NonsenseIsRefused(int place, byte value)
    {
        byte[] packet = SamplePackets.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, 5_000);
        byte[] header = Written(packet, 40, Super);
        Assert.True(VirtioNetHeader.TryRead(header, packet, out _));
        header[place] = value;
        Assert.False(VirtioNetHeader.TryRead(header, packet, out _));
    }

    [Fact]
    public void ASegmentSizeOfZeroIsRefused()
    {
        byte[] packet = SamplePackets.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, 5_000);
        byte[] header = Written(packet, 40, Super);
        header[4] = header[5] = 0;
        Assert.False(VirtioNetHeader.TryRead(header, packet, out _));
    }

    [Fact]
    public void TcpSegmentationOfUdpIsRefused()
    {
        byte[] packet = SamplePackets.Udp(true, 5_000);
        Assert.False(VirtioNetHeader.TryRead([1, 1, 28, 0, 0x78, 5, 20, 0, 6, 0, 0, 0], packet, out _));
    }

    [Fact]
    public void EveryTruncationOfAPacketOrAHeaderIsRefused()
    {
        byte[] packet = SamplePackets.Tcp(false, new TcpHeader { Flags = TcpFlags.Ack }, 0);
        byte[] header = [1, 0, 0, 0, 0, 0, 40, 0, 16, 0, 0, 0];
        Assert.True(VirtioNetHeader.TryRead(header, packet, out _));
        for (int length = 0; length < 58; length++)
        {
            Assert.False(VirtioNetHeader.TryRead(header, packet.AsSpan(0, length), out _), $"{length} bytes");
        }

        for (int length = 0; length < 12; length++)
        {
            Assert.False(VirtioNetHeader.TryRead(header.AsSpan(0, length), packet, out _));
        }
    }

    [Fact]
    public void TheChecksumIsFoundBehindExtensionHeaders()
    {
        byte[] packet = SamplePackets.WithExtensions(SamplePackets.Udp(false, 10), (IpProtocol.DestinationOptions, [0, 0, 1, 4, 0, 0, 0, 0]));
        Assert.True(VirtioNetHeader.TryRead([1, 0, 0, 0, 0, 0, 48, 0, 6, 0, 0, 0], packet, out _));
        Assert.False(VirtioNetHeader.TryRead([1, 0, 0, 0, 0, 0, 40, 0, 6, 0, 0, 0], packet, out _));
    }

    private static byte[] Written(byte[] packet, int headers, PacketOffload offload)
    {
        byte[] header = new byte[VirtioNetHeader.Size];
        header.AsSpan().Fill(0xEE);
        VirtioNetHeader.Write(header, new OutgoingPacket(packet.AsSpan(0, headers), packet.AsSpan(headers), offload));
        return header;
    }
}
