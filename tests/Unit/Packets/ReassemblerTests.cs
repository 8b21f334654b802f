using System;
using System.Collections.Generic;
using System.Linq;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class ReassemblerTests : IDisposable
{
    private readonly PacketPool _pool = new();
    private readonly DropCounters _drops = new();
    private readonly Reassembler _reassembler;
    private long _now;

    public ReassemblerTests() => _reassembler = new Reassembler(_pool, 1 << 20, _drops);

    public void Dispose()
    {
        _reassembler.Clear();
        Assert.Equal((0, 0, 0), (_reassembler.Count, _reassembler.Bytes, _pool.Outstanding));
    }

    [Theory]
    [InlineData(true, 5_000, 1500)]
    [InlineData(true, 65_507, 576)]
    [InlineData(false, 5_000, 1500)]
    [InlineData(false, 65_527, 1280)]
    public void FragmentsInAnyOrderMakeThePacketTheyCameFrom(bool v4, int length, int mtu)
    {
        byte[] whole = SamplePackets.Udp(v4, length);
        Random random = new(length);
        for (uint round = 0; round < 20; round++)
        {
            List<byte[]> fragments = SamplePackets.UdpFragments(v4, length, mtu, round);
            byte[]? made = null;
            foreach (byte[] fragment in round switch { 0 => fragments, 1 => Enumerable.Reverse(fragments), _ => fragments.OrderBy(_ => random.Next()) })
            {
                Assert.Null(made);
                made = Add(fragment);
            }

            Assert.NotNull(made);
            Assert.True(IpHeader.TryParse(made, out IpHeader ip));
            Assert.False(ip.IsFragment);
            Assert.Equal(made.Length, ip.TotalLength);
            Assert.Equal((SamplePackets.Client(v4).Address, SamplePackets.Server(v4).Address, IpProtocol.Udp), (ip.Source, ip.Destination, ip.Protocol));
            Assert.True(Checksum.IsTransportValid(ip, made.AsSpan(ip.HeaderLength)));
            Assert.Equal(whole[ip.HeaderLength..], made[ip.HeaderLength..]);
        }

        Assert.Equal((0, 0L), (_reassembler.Count, _drops.Total));
    }

    [Fact]
    public void HeadersInFrontOfTheFragmentHeaderStayAndThoseBehindAreFoundAgain()
    {
        byte[] padding = [0, 0, 1, 4, 0, 0, 0, 0];
        byte[] message = [IpProtocol.Udp, 0, 1, 4, 0, 0, 0, 0, .. SamplePackets.Udp(false, 100)[40..]];
        byte[] first = SamplePackets.Fragment(false, IpProtocol.DestinationOptions, 0, message.AsSpan(0, 64), more: true);
        byte[] last = SamplePackets.Fragment(false, IpProtocol.DestinationOptions, 64, message.AsSpan(64), more: false);
        Assert.Null(Add(SamplePackets.WithExtensions(first, (IpProtocol.HopByHop, padding))));
        byte[]? whole = Add(SamplePackets.WithExtensions(last, (IpProtocol.HopByHop, padding)));

        Assert.NotNull(whole);
        Assert.True(IpHeader.TryParse(whole, out IpHeader ip));
        Assert.Equal((40 + 8 + 8, IpProtocol.Udp), (ip.HeaderLength, ip.Protocol));
        Assert.True(Checksum.IsTransportValid(ip, whole.AsSpan(ip.HeaderLength)));
    }

    [Fact]
    public void Ipv4OptionsOfTheFirstFragmentStay()
    {
        List<byte[]> fragments = SamplePackets.UdpFragments(true, 2_000, 1500, 1);
        Assert.Null(Add(fragments[1]));
        byte[]? whole = Add(SamplePackets.WithOptions(fragments[0], 1, 1, 1, 0));
        Assert.NotNull(whole);
        Assert.True(IpHeader.TryParse(whole, out IpHeader ip));
        Assert.Equal(24, ip.HeaderLength);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PacketsAreToldApartByWhoSentThemAndWhatTheyAre(bool v4)
    {
        byte[] part = SamplePackets.Payload(64);
        byte[][] lasts =
        [
            SamplePackets.Fragment(v4, IpProtocol.Udp, 64, part, more: false, id: 2),
            Changed(SamplePackets.Fragment(v4, IpProtocol.Udp, 64, part, more: false), v4 ? 15 : 23),
            Changed(SamplePackets.Fragment(v4, IpProtocol.Udp, 64, part, more: false), v4 ? 19 : 39),
        ];
        Assert.Null(Add(SamplePackets.Fragment(v4, IpProtocol.Udp, 0, part, more: true)));
        Assert.All(lasts, last => Assert.Null(Add(last)));
        Assert.Equal(4, _reassembler.Count);
        Assert.NotNull(Add(SamplePackets.Fragment(v4, IpProtocol.Udp, 64, part, more: false)));
        Assert.Equal(3, _reassembler.Count);
    }

    [Fact]
    public void Ipv4ProtocolsWithTheSameIdentificationAreDifferentPackets()
    {
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 0, new byte[64], more: true)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Icmp, 64, new byte[64], more: false)));
        Assert.Equal(2, _reassembler.Count);
    }

    [Theory]
    [InlineData(0, 64)] // a copy with other content
    [InlineData(32, 64)] // over the end of one
    [InlineData(96, 64)] // over the beginning of one
    [InlineData(120, 16)]
    [InlineData(0, 256)] // over both
    public void AnOverlapTakesTheWholePacketAndWhatFollowsOfIt(int offset, int length)
    {
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 0, SamplePackets.Payload(64), more: true)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 128, SamplePackets.Payload(64), more: true)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, offset, new byte[length], more: true)));
        Assert.Equal((1, 0), (_reassembler.Count, _reassembler.Bytes));

        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 64, SamplePackets.Payload(64), more: true)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 192, SamplePackets.Payload(64), more: false)));
        Assert.Equal(3, _drops[DropReason.FragmentOverlap]);

        _now += Reassembler.Timeout;
        _reassembler.Advance(_now);
        Assert.Equal((0, 0L), (_reassembler.Count, _drops[DropReason.FragmentTimeout]));
    }

    [Fact]
    public void ACopyOfAFragmentIsIgnored()
    {
        List<byte[]> fragments = SamplePackets.UdpFragments(true, 4_000, 1500, 1);
        Assert.Null(Add(fragments[0]));
        Assert.Null(Add(fragments[0]));
        Assert.Null(Add(fragments[2]));
        Assert.Null(Add(fragments[2]));
        Assert.NotNull(Add(fragments[1]));
        Assert.Equal(0, _drops.Total);
    }

    [Fact]
    public void FragmentsThatDisagreeAboutTheEndAreRefused()
    {
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 128, new byte[8], more: false, id: 1)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 256, new byte[8], more: false, id: 1)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 128, new byte[8], more: false, id: 2)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 136, new byte[8], more: true, id: 2)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 128, new byte[8], more: true, id: 3)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 64, new byte[8], more: false, id: 3)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 128, new byte[8], more: false, id: 4)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 128, new byte[8], more: true, id: 4)));
        Assert.Equal(4, _drops[DropReason.FragmentOverlap]);
        Assert.Equal(0, _reassembler.Bytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AFragmentBehindTheLongestPacketBeginsNone(bool v4)
    {
        Assert.Null(Add(SamplePackets.Fragment(v4, IpProtocol.Udp, 65_528, new byte[1_400], more: false)));
        Assert.Equal((1L, 0), (_drops[DropReason.FragmentTooLong], _reassembler.Count));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheLongestPacketIsMadeAndOneByteMoreIsRefused(bool v4)
    {
        int most = v4 ? 65_535 - 20 : 65_535;
        int lastOffset = most & ~7;
        byte[] message = SamplePackets.Payload(lastOffset + 8);
        for (int id = 1; id <= 2; id++)
        {
            Assert.Null(Add(SamplePackets.Fragment(v4, 200, 0, message.AsSpan(0, 32_768), more: true, (uint)id)));
            Assert.Null(Add(SamplePackets.Fragment(v4, 200, 32_768, message.AsSpan(32_768, lastOffset - 32_768), more: true, (uint)id)));
            byte[]? whole = Add(SamplePackets.Fragment(v4, 200, lastOffset, message.AsSpan(lastOffset, most - lastOffset + id - 1), more: false, (uint)id));
            Assert.Equal(id == 1, whole is not null);
        }

        Assert.Equal(1, _drops[DropReason.FragmentTooLong]);
    }

    [Fact]
    public void APacketTooLongOnlyWithItsFirstFragmentsHeaderIsRefused()
    {
        byte[] first = SamplePackets.WithOptions(SamplePackets.Fragment(true, 200, 0, new byte[65_000], more: true), new byte[40]);
        byte[] last = SamplePackets.Fragment(true, 200, 65_000, new byte[500], more: false);
        Assert.Null(Add(first));
        Assert.Null(Add(last));
        Assert.Equal(1, _drops[DropReason.FragmentTooLong]);
        Assert.Equal(0, _reassembler.Bytes);
    }

    [Fact]
    public void FragmentsOfNoOrOddLengthAreRefused()
    {
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 64, default, more: true)));
        Assert.Null(Add(SamplePackets.Fragment(false, IpProtocol.Udp, 64, default, more: false)));
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 64, new byte[7], more: true)));
        Assert.Equal((3L, 0), (_drops[DropReason.FragmentLength], _reassembler.Count));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ATcpHeaderMayNotBeSplit(bool v4)
    {
        Assert.Null(Add(SamplePackets.Fragment(v4, IpProtocol.Tcp, 0, new byte[16], more: true)));
        Assert.Null(Add(SamplePackets.Fragment(v4, IpProtocol.Tcp, 8, new byte[16], more: false)));
        Assert.Equal((2L, 0), (_drops[DropReason.FragmentTiny], _reassembler.Count));
        Assert.Null(Add(SamplePackets.Fragment(v4, IpProtocol.Tcp, 0, new byte[24], more: true)));
        Assert.Equal(1, _reassembler.Count);
    }

    [Fact]
    public void AllHeadersMustBeInTheFirstFragment()
    {
        byte[] options = [IpProtocol.Udp, 0, 1, 4, 0, 0, 0, 0];
        Assert.Null(Add(SamplePackets.Fragment(false, IpProtocol.DestinationOptions, 0, options, more: true)));
        Assert.Null(Add(SamplePackets.Fragment(false, IpProtocol.DestinationOptions, 0, [IpProtocol.Udp, 1, 1, 12, 0, 0, 0, 0], more: true)));
        Assert.Equal(2, _drops[DropReason.FragmentTiny]);
        Assert.Null(Add(SamplePackets.Fragment(false, IpProtocol.Fragment, 0, new byte[16], more: true)));
        Assert.Equal(1, _drops[DropReason.ExtensionHeader]);
    }

    [Fact]
    public void AsManyStretchesAsAllowedAreKeptApartAndOneMoreIsRefused()
    {
        for (int i = 1; i <= UnfinishedPacket.MaxStretches; i++)
        {
            Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, i * 16, new byte[8], more: true)));
        }

        Assert.Equal(0, _drops.Total);
        Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 8_000, new byte[8], more: true)));
        Assert.Equal((1L, 0), (_drops[DropReason.FragmentPieces], _reassembler.Bytes));
    }

    [Fact]
    public void AnUnfinishedPacketIsGivenUpAfterItsTime()
    {
        Assert.Equal(long.MaxValue, _reassembler.NextDeadline);
        List<byte[]> fragments = SamplePackets.UdpFragments(true, 4_000, 1500, 1);
        _now = 5;
        Assert.Null(Add(fragments[0]));
        _now = 20_000_000;
        Assert.Null(Add(fragments[1]));
        Assert.Equal(5 + Reassembler.Timeout, _reassembler.NextDeadline);

        _reassembler.Advance(_reassembler.NextDeadline - 1);
        Assert.Equal(1, _reassembler.Count);
        _now = _reassembler.NextDeadline;
        Assert.Null(Add(fragments[2])); // even without Advance
        Assert.Equal((1, 1L), (_reassembler.Count, _drops[DropReason.FragmentTimeout]));
    }

    [Fact]
    public void AtTheLimitOfBytesTheOldestGoes()
    {
        int most = (1 << 20) / PacketPool.LargeSize;
        for (uint id = 0; id <= most; id++)
        {
            Assert.Null(Add(SamplePackets.UdpFragments(true, 2_000, 1500, id)[0]));
            _now++;
        }

        Assert.Equal((most, 1L), (_reassembler.Count, _drops[DropReason.FragmentPushedOut]));
        Assert.InRange(_reassembler.Bytes, 0, 1 << 20);
        Assert.NotNull(Add(SamplePackets.UdpFragments(true, 2_000, 1500, 1)[1]));
        Assert.Null(Add(SamplePackets.UdpFragments(true, 2_000, 1500, 0)[1]));
    }

    [Fact]
    public void AtTheLimitOfPacketsTheOldestGoesEvenWhenItHoldsNothing()
    {
        for (uint id = 0; id < 200; id++)
        {
            Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 0, new byte[64], more: true, id)));
            Assert.Null(Add(SamplePackets.Fragment(true, IpProtocol.Udp, 8, new byte[64], more: true, id)));
        }

        Assert.Equal((Reassembler.MaxPackets, 0), (_reassembler.Count, _reassembler.Bytes));
        Assert.Equal((200L, 0L), (_drops[DropReason.FragmentOverlap], _drops[DropReason.FragmentPushedOut]));
    }

    [Fact]
    public void PaddingOfTheLinkIsNoPartOfAFragment()
    {
        List<byte[]> fragments = SamplePackets.UdpFragments(true, 1_490, 1500, 1);
        Assert.Null(Add(fragments[0]));
        byte[]? whole = Add([.. fragments[1], .. new byte[20]]);
        Assert.Equal(1_490 + 28, whole?.Length);
    }

    private static byte[] Changed(byte[] packet, int place)
    {
        packet[place]++;
        if (packet[0] >> 4 == 4)
        {
            IpWriter.SetHeaderChecksum(packet.AsSpan(0, 20));
        }

        return packet;
    }

    private byte[]? Add(byte[] fragment)
    {
        PacketBuffer buffer = _pool.Rent(fragment.Length);
        fragment.CopyTo(buffer.Array, 0);
        buffer.Length = fragment.Length;
        Assert.True(IpHeader.TryParse(buffer.Span, out IpHeader ip));
        Assert.True(ip.IsFragment);
        PacketBuffer? whole = _reassembler.Add(buffer, ip, _now);
        byte[]? bytes = whole?.Span.ToArray();
        whole?.Release();
        return bytes;
    }
}
