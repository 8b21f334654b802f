using System;
using Culvert.Core.Packets;
using Xunit;

namespace Culvert.Tests.Simulation.Wire;

/// <summary>The project's own header code and that of the tests were written apart from each other; here they must agree.</summary>
public sealed class Agreement
{
    public static TheoryData<ulong> SomeSeeds => Seeds.First(50);

    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void SegmentsOfTheTestsAreReadAsTheyWereMeant(ulong seed)
    {
        Randomness random = new(seed);
        for (int i = 0; i < 100; i++)
        {
            TcpSegment meant = AnySegment(random);
            byte[] bytes = meant.Build();
            Assert.True(IpHeader.TryParse(bytes, out IpHeader ip));
            Assert.Equal(meant.Source.Address, ip.Source);
            Assert.Equal(meant.Destination.Address, ip.Destination);
            Assert.Equal(bytes.Length, ip.TotalLength);
            Assert.True(TcpHeader.TryParse(bytes.AsSpan(ip.HeaderLength), out TcpHeader tcp));
            Assert.Equal(meant.Source.Port, tcp.SourcePort);
            Assert.Equal(meant.Destination.Port, tcp.DestinationPort);
            Assert.Equal(meant.Sequence, tcp.Sequence);
            Assert.Equal(meant.Acknowledgment, tcp.Acknowledgment);
            Assert.Equal((byte)meant.Flags, (byte)tcp.Flags);
            Assert.Equal(meant.Window, tcp.Window);
            Assert.Equal(meant.SackPermitted && meant.Has(Bits.Syn), tcp.SackPermitted && meant.Has(Bits.Syn));
            Assert.Equal(meant.Timestamp != null, tcp.HasTimestamp);
            if (meant.Timestamp is (uint value, uint echo))
            {
                Assert.Equal((value, echo), (tcp.TimestampValue, tcp.TimestampEcho));
            }

            Assert.Equal(meant.Payload.Length, bytes.Length - ip.HeaderLength - tcp.HeaderLength);
            Assert.Equal(meant, TcpSegment.Parse(IpPacket.Parse(bytes)!)! with { Payload = meant.Payload, Sacks = meant.Sacks });
        }
    }

    private static TcpSegment AnySegment(Randomness random)
    {
        bool v4 = random.Chance(0.5);
        IpAddr Address() => v4 ? IpAddr.FromV4((uint)random.Next() | 1) : IpAddr.FromBits(((UInt128)(random.Next() | 1) << 64) | random.Next());
        byte[] payload = new byte[random.Below(3) == 0 ? 0 : random.Below(1_400)];
        Pattern.Fill(payload, random.Next(), 0);
        return new TcpSegment
        {
            Source = new IpEndpoint(Address(), (ushort)(1 + random.Below(65_535))),
            Destination = new IpEndpoint(Address(), (ushort)(1 + random.Below(65_535))),
            Sequence = (uint)random.Next(),
            Acknowledgment = (uint)random.Next(),
            Flags = (Bits)random.Below(64),
            Window = (ushort)random.Next(),
            Mss = random.Chance(0.3) ? (ushort)random.Next() : null,
            Scale = random.Chance(0.3) ? (byte)random.Below(15) : null,
            SackPermitted = random.Chance(0.3),
            Timestamp = random.Chance(0.5) ? ((uint)random.Next(), (uint)random.Next()) : null,
            Payload = payload,
        };
    }
}
