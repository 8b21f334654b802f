using System;
using System.Linq;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class ExtensionHeadersTests
{
    private static readonly byte[] Padding = [0, 0, 1, 4, 0, 0, 0, 0];

    [Fact]
    public void AllKindsAreWalkedToTheTransport()
    {
        byte[] packet = SamplePackets.WithExtensions(
            SamplePackets.Udp(false, 10),
            (IpProtocol.HopByHop, [0, 0, 5, 2, 0, 0, 1, 0]),
            (IpProtocol.DestinationOptions, [0, 1, 1, 12, .. new byte[12]]),
            (IpProtocol.Routing, [0, 0, 4, 0, 0, 0, 0, 0]),
            (IpProtocol.DestinationOptions, Padding));
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        Assert.Equal((40 + 8 + 16 + 8 + 8, IpProtocol.Udp), (ip.HeaderLength, ip.Protocol));
        Assert.True(Checksum.IsTransportValid(ip, packet.AsSpan(ip.HeaderLength)));
    }

    [Fact]
    public void AFragmentHeaderThatFragmentsNothingIsSteppedOver()
    {
        byte[] packet = SamplePackets.WithExtensions(SamplePackets.Udp(false, 10), (IpProtocol.Fragment, [0, 0, 0, 0, 1, 2, 3, 4]));
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        Assert.False(ip.IsFragment);
        Assert.Equal((48, IpProtocol.Udp, 0x01020304u), (ip.HeaderLength, ip.Protocol, ip.FragmentId));
    }

    [Fact]
    public void TheWalkEndsAtAFragment()
    {
        byte[] packet = SamplePackets.WithExtensions(
            SamplePackets.Udp(false, 10), (IpProtocol.Fragment, [0, 0, 0, 9, 1, 2, 3, 4]), (IpProtocol.DestinationOptions, Padding));
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        Assert.True(ip.IsFragment);
        Assert.Equal((48, IpProtocol.DestinationOptions, 8), (ip.HeaderLength, ip.Protocol, ip.FragmentOffset));
    }

    [Fact]
    public void ASecondFragmentHeaderIsRefused() => Refused(
        DropReason.ExtensionHeader, (IpProtocol.Fragment, new byte[8]), (IpProtocol.Fragment, new byte[8]));

    [Fact]
    public void HopByHopOptionsAreRefusedAnywhereButFirst() => Refused(
        DropReason.ExtensionHeader, (IpProtocol.DestinationOptions, Padding), (IpProtocol.HopByHop, Padding));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(3, 1)]
    public void RoutingTypeZeroAndSegmentsLeftAreRefused(byte type, byte left) => Refused(
        DropReason.RoutingHeader, (IpProtocol.Routing, [0, 0, type, left, 0, 0, 0, 0]));

    [Theory]
    [InlineData(0x40)]
    [InlineData(0x80)]
    [InlineData(0xC2)] // jumbo payload
    public void AnUnknownOptionThatMustBeUnderstoodIsRefused(byte option) => Refused(
        DropReason.ExtensionHeader, (IpProtocol.HopByHop, [0, 0, option, 4, 0, 0, 0, 0]));

    [Fact]
    public void AnOptionLongerThanItsHeaderIsRefused() => Refused(
        DropReason.ExtensionHeader, (IpProtocol.DestinationOptions, [0, 0, 1, 5, 0, 0, 0, 0]));

    [Fact]
    public void AnOptionWithoutALengthIsRefused() => Refused(
        DropReason.ExtensionHeader, (IpProtocol.DestinationOptions, [0, 0, 1, 3, 0, 0, 0, 1]));

    [Fact]
    public void AHeaderLongerThanThePacketIsRefused() => Refused(DropReason.Truncated, (IpProtocol.DestinationOptions, [0, 200, 1, 4, 0, 0, 0, 0]));

    [Fact]
    public void AsManyHeadersAsAllowedAreWalkedAndOneMoreIsRefused()
    {
        (byte, byte[])[] many = [.. Enumerable.Repeat((IpProtocol.DestinationOptions, Padding), ExtensionHeaders.MaxHeaders)];
        Assert.True(IpHeader.TryParse(SamplePackets.WithExtensions(SamplePackets.Udp(false, 10), many), out _));
        Refused(DropReason.ExtensionHeader, [.. many, (IpProtocol.DestinationOptions, Padding)]);
    }

    private static void Refused(DropReason expected, params (byte Kind, byte[] Header)[] extensions)
    {
        byte[] packet = SamplePackets.WithExtensions(SamplePackets.Udp(false, 10), extensions);
        Assert.False(IpHeader.TryParse(packet, out _, out DropReason reason));
        Assert.Equal(expected, reason);
    }
}
