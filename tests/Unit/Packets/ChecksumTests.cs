using System;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class ChecksumTests
{
    [Fact]
    public void TheExampleOfRfc1071Section3ComesOut()
    {
        byte[] data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        Assert.Equal(unchecked((ushort)~0xddf2), Checksum.Compute(data));
    }

    [Fact]
    public void TheExampleOfRfc1624Section4ComesOut() => Assert.Equal(0x0000, Checksum.Update(0xDD2F, 0x5555, 0x3285));

    [Fact]
    public void AKnownIpv4HeaderSumsToItsChecksum()
    {
        byte[] header = Convert.FromHexString("4500003044224000800600008c7c19acae241e2b");
        Assert.Equal(0x442e, Checksum.Compute(header));
    }

    [Fact]
    public void ItEqualsTheNaiveSumAtEveryLengthAndAlignment()
    {
        Random random = new(1);
        byte[] data = new byte[70_000];
        random.NextBytes(data);
        for (int length = 0; length < 700; length++)
        {
            Assert.Equal(Naive(data.AsSpan(length & 15, length)), Checksum.Compute(data.AsSpan(length & 15, length)));
        }

        for (int round = 0; round < 300; round++)
        {
            int start = random.Next(100);
            ReadOnlySpan<byte> slice = data.AsSpan(start, random.Next(data.Length - start));
            Assert.Equal(Naive(slice), Checksum.Compute(slice));
        }
    }

    [Fact]
    public void CarriesAreNotLostWhenEveryBitIsSet()
    {
        byte[] data = new byte[65_535];
        data.AsSpan().Fill(0xFF);
        Assert.Equal(Naive(data), Checksum.Compute(data));
    }

    [Fact]
    public void SlicesOfOddLengthsSumAsTheWholeDoes()
    {
        Random random = new(2);
        byte[] data = new byte[5_000];
        random.NextBytes(data);
        for (int round = 0; round < 200; round++)
        {
            ChecksumSum sum = default;
            int at = 0;
            while (at < data.Length)
            {
                int length = Math.Min(random.Next(400), data.Length - at);
                sum.Add(data.AsSpan(at, length));
                at += length;
            }

            Assert.Equal(Checksum.Compute(data), sum.Result);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ATransportChecksumCoversThePseudoHeaderByTheBook(bool v4)
    {
        byte[] source = v4 ? [10, 0, 0, 2] : [0xfd, .. new byte[14], 2];
        byte[] destination = v4 ? [192, 0, 2, 7] : [0x20, 0x01, 0x0d, 0xb8, .. new byte[11], 7];
        byte[] header = SamplePackets.Payload(21);
        byte[] payload = SamplePackets.Payload(333);
        int length = header.Length + payload.Length;
        byte[] book = v4
            ? [.. source, .. destination, 0, 6, (byte)(length >> 8), (byte)length, .. header, .. payload]
            : [.. source, .. destination, 0, 0, (byte)(length >> 8), (byte)length, 0, 0, 0, 6, .. header, .. payload];

        IpAddr from = IpAddr.Read(source), to = IpAddr.Read(destination);
        Assert.Equal(Naive(book), Checksum.Transport(from, to, 6, header, payload));

        ChecksumSum sum = ChecksumSum.Pseudo(from, to, 6, length);
        sum.Add(header);
        sum.Add(payload);
        Assert.Equal(Naive(book), sum.Result);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void APartialChecksumIsCompletedByADeviceThatSumsTheTransportAlone(bool v4)
    {
        byte[] packet = SamplePackets.Udp(v4, 101);
        int transport = v4 ? 20 : 40;
        byte[] right = packet[(transport + 6)..(transport + 8)];
        ushort partial = Checksum.Partial(SamplePackets.Client(v4).Address, SamplePackets.Server(v4).Address, IpProtocol.Udp, packet.Length - transport);
        packet[transport + 6] = (byte)(partial >> 8);
        packet[transport + 7] = (byte)partial;

        ushort completed = Checksum.Compute(packet.AsSpan(transport));
        Assert.Equal((right[0], right[1]), ((byte)(completed >> 8), (byte)completed));
    }

    [Fact]
    public void AnUpdateEqualsComputingAnew()
    {
        Random random = new(3);
        byte[] data = new byte[40];
        for (int round = 0; round < 2_000; round++)
        {
            random.NextBytes(data);
            ushort before = Checksum.Compute(data);
            ushort oldWord = (ushort)((data[6] << 8) | data[7]);
            random.NextBytes(data.AsSpan(6, 2));
            Assert.Equal(Checksum.Compute(data), Checksum.Update(before, oldWord, (ushort)((data[6] << 8) | data[7])));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EveryFlippedBitOfATransportIsSeen(bool v4)
    {
        byte[][] packets = [SamplePackets.Udp(v4, 20), SamplePackets.Echo(v4, 20), SamplePackets.Tcp(v4, new TcpHeader { Flags = TcpFlags.Ack }, 20)];
        foreach (byte[] packet in packets)
        {
            Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
            Assert.True(Checksum.IsTransportValid(ip, packet.AsSpan(ip.HeaderLength)));
            for (int bit = ip.HeaderLength * 8; bit < packet.Length * 8; bit++)
            {
                packet[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.False(Checksum.IsTransportValid(ip, packet.AsSpan(ip.HeaderLength)), $"bit {bit}");
                packet[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void UdpWithoutAChecksumIsLegalOverIpv4Only(bool v4)
    {
        byte[] packet = SamplePackets.Udp(v4, 20);
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        packet[ip.HeaderLength + 6] = packet[ip.HeaderLength + 7] = 0;
        Assert.Equal(v4, Checksum.IsTransportValid(ip, packet.AsSpan(ip.HeaderLength)));
    }

    [Fact]
    public void AUdpChecksumThatComesOutAsZeroIsSentAsAllOnes()
    {
        byte[] payload = new byte[2];
        byte[] header = new byte[UdpHeader.Size];
        UdpHeader.Write(header, SamplePackets.ClientV4, SamplePackets.ServerV4, payload);
        payload = header[6..8]; // what is missing to all ones: the sum with it is zero
        UdpHeader.Write(header, SamplePackets.ClientV4, SamplePackets.ServerV4, payload);
        Assert.Equal([0xFF, 0xFF], header[6..8]);
    }

    private static ushort Naive(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (int i = 0; i < data.Length; i++)
        {
            sum += (uint)data[i] << ((i & 1) == 0 ? 8 : 0);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (ushort)~sum;
    }
}
