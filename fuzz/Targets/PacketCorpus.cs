using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Tests.Unit.Packets;

namespace Culvert.Fuzz.Targets;

/// <summary>Valid packets of every kind, and how to put a mutated one right again.</summary>
internal static class PacketCorpus
{
    /// <summary>Whole packets and fragments of both versions.</summary>
    public static IReadOnlyList<byte[]> Make()
    {
        List<byte[]> packets = [];
        SackBlocks sacks = default;
        sacks[0] = new SackBlock(1_000, 2_000);
        sacks[1] = new SackBlock(3_000, 4_000);
        byte[] padding = [0, 0, 1, 4, 0, 0, 0, 0];
        foreach (bool v4 in (bool[])[true, false])
        {
            TcpHeader syn = new()
            {
                SourcePort = 40000,
                DestinationPort = 443,
                Sequence = 99,
                Flags = TcpFlags.Syn,
                Window = 64_000,
                Mss = 1460,
                HasWindowScale = true,
                WindowScale = 7,
                SackPermitted = true,
                HasTimestamp = true,
                TimestampValue = 5,
            };
            TcpHeader data = new()
            {
                SourcePort = 40000,
                DestinationPort = 443,
                Sequence = 100,
                Acknowledgment = 7,
                Flags = TcpFlags.Ack | TcpFlags.Psh,
                Window = 500,
                HasTimestamp = true,
                TimestampValue = 6,
                TimestampEcho = 3,
                SackCount = 2,
                Sacks = sacks,
            };
            packets.Add(SamplePackets.Tcp(v4, syn));
            packets.Add(SamplePackets.Tcp(v4, data));
            packets.Add(SamplePackets.Tcp(v4, data with { SackCount = 0 }, 300));
            packets.Add(SamplePackets.Tcp(v4, new TcpHeader { Flags = TcpFlags.Fin | TcpFlags.Ack }, 10));
            packets.Add(SamplePackets.Udp(v4, 0));
            packets.Add(SamplePackets.Udp(v4, 53));
            packets.Add(SamplePackets.Udp(v4, 1_400));
            packets.Add(SamplePackets.Echo(v4, 56));
            packets.Add(Error(SamplePackets.Udp(v4, 53)));
            packets.AddRange(SamplePackets.UdpFragments(v4, 1_400, v4 ? 576 : 1280, id: 1));
            packets.AddRange(SamplePackets.UdpFragments(v4, 3_000, 1500, id: 2));
            packets.Add(SamplePackets.Fragment(v4, IpProtocol.Udp, 65_000, SamplePackets.Payload(400), more: false, id: 3));
        }

        packets.Add(SamplePackets.Udp(true, 65_507));
        packets.Add(SamplePackets.WithOptions(SamplePackets.Udp(true, 20), 0x94, 4, 0, 0, 1, 1, 1, 0));
        packets.Add(SamplePackets.WithExtensions(
            SamplePackets.Udp(false, 20),
            (IpProtocol.HopByHop, [0, 0, 5, 2, 0, 0, 1, 0]), (IpProtocol.DestinationOptions, padding), (IpProtocol.Routing, [0, 0, 4, 0, 0, 0, 0, 0])));
        packets.Add(SamplePackets.WithExtensions(SamplePackets.Udp(false, 20), (IpProtocol.Fragment, [0, 0, 0, 0, 0, 0, 0, 9])));
        packets.Add(SamplePackets.WithExtensions(SamplePackets.UdpFragments(false, 2_000, 1280, id: 4)[0], (IpProtocol.HopByHop, padding)));
        return packets;
    }

    /// <summary>Mostly makes lengths and checksums right again.</summary>
    public static void Repair(Span<byte> packet, ref FuzzRandom random)
    {
        ulong dice = random.Next();
        if ((dice & 7) == 0 || packet.Length < IpHeader.V4Size)
        {
            return;
        }

        bool fixLength = (dice & 0x30) != 0;
        if (packet[0] >> 4 == 4)
        {
            int header = (packet[0] & 0x0F) * 4;
            if (fixLength)
            {
                BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
            }

            if (header >= IpHeader.V4Size && header <= packet.Length)
            {
                IpWriter.SetHeaderChecksum(packet[..header]);
            }
        }
        else if (fixLength && packet.Length >= IpHeader.V6Size)
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - IpHeader.V6Size));
        }

        if ((dice & 0xC0) != 0)
        {
            SetTransportChecksum(packet);
        }
    }

    /// <summary>Puts the right checksum in the transport header, where there is one.</summary>
    public static void SetTransportChecksum(Span<byte> packet)
    {
        if (!IpHeader.TryParse(packet, out IpHeader ip) || ip.IsFragment)
        {
            return;
        }

        int offset = ip.Protocol switch
        {
            IpProtocol.Tcp => TcpHeader.ChecksumOffset,
            IpProtocol.Udp => UdpHeader.ChecksumOffset,
            IpProtocol.Icmp or IpProtocol.IcmpV6 => 2,
            _ => -1,
        };
        Span<byte> transport = packet[ip.HeaderLength..ip.TotalLength];
        if (ip.Protocol == IpProtocol.Udp && UdpHeader.TryParse(transport, out UdpHeader udp))
        {
            transport = transport[..udp.Length];
        }

        if (offset >= 0 && transport.Length >= offset + 2)
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[offset..], 0);
            ushort checksum = ip.Protocol == IpProtocol.Icmp
                ? Checksum.Compute(transport)
                : Checksum.Transport(ip.Source, ip.Destination, ip.Protocol, transport, default);
            BinaryPrimitives.WriteUInt16BigEndian(transport[offset..], checksum);
        }
    }

    private static byte[] Error(byte[] about)
    {
        byte[] error = new byte[IcmpError.MaxV6];
        Expect.That(IpHeader.TryParse(about, out IpHeader ip), "a sample is a packet");
        return error[..IcmpError.Write(error, ip, about, ip.Destination, IcmpErrorKind.PortUnreachable)];
    }
}
