using System.Collections.Generic;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Unit.Packets;

public sealed class FragmenterTests
{
    [Theory]
    [InlineData(true, 0, 1500, 1)]
    [InlineData(true, 1472, 1500, 1)]
    [InlineData(true, 1473, 1500, 2)]
    [InlineData(true, 65_507, 1500, 45)]
    [InlineData(true, 65_507, 65_535, 1)]
    [InlineData(true, 100, 68, 3)]
    [InlineData(false, 0, 1280, 1)]
    [InlineData(false, 1232, 1280, 1)]
    [InlineData(false, 1233, 1280, 2)]
    [InlineData(false, 65_527, 1280, 54)]
    [InlineData(false, 8_000, 9_000, 1)]
    public void AMessageIsCutIntoPacketsThatFitAndMakeItUpAgain(bool v4, int length, int mtu, int expected)
    {
        List<byte[]> fragments = SamplePackets.UdpFragments(v4, length, mtu, id: 0x99);
        Assert.Equal(expected, fragments.Count);

        List<byte> message = [];
        for (int i = 0; i < fragments.Count; i++)
        {
            byte[] fragment = fragments[i];
            Assert.True(IpHeader.TryParse(fragment, out IpHeader ip));
            Assert.InRange(fragment.Length, 1, mtu);
            Assert.Equal(fragment.Length, ip.TotalLength);
            Assert.Equal(message.Count, ip.FragmentOffset);
            Assert.Equal(i < fragments.Count - 1, ip.MoreFragments);
            Assert.Equal(!v4 || expected == 1, ip.DontFragment);
            Assert.Equal(IpProtocol.Udp, ip.Protocol);
            if (expected > 1)
            {
                Assert.Equal(0x99u, ip.FragmentId);
            }

            message.AddRange(fragment[ip.HeaderLength..]);
        }

        Assert.Equal(SamplePackets.Udp(v4, length)[(v4 ? 20 : 40)..], message.ToArray());
    }

    [Fact]
    public void AMessageWithoutATransportHeaderOfItsOwnIsCutToo()
    {
        byte[] message = SamplePackets.Payload(3_000);
        Fragmenter fragmenter = new(SamplePackets.ClientV4.Address, SamplePackets.ServerV4.Address, IpProtocol.Icmp, 1500, 1);
        byte[] scratch = new byte[64];
        List<byte> got = [];
        while (fragmenter.TryNext(scratch, default, message, out OutgoingPacket packet))
        {
            Assert.Equal(20, packet.Header.Length);
            got.AddRange(packet.Payload);
        }

        Assert.Equal(message, got.ToArray());
    }
}
