using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Tests.Simulation.Net;

namespace Culvert.Tests.Simulation.Wire;

/// <summary>
/// What a kernel does with a packet of a link with offloads (virtio 1.2 section 5.1.6.2): completes the checksum, and cuts super-segments.
/// It refuses what a kernel refuses.
/// </summary>
internal static class Device
{
    public static IEnumerable<Frame> Complete(byte[] bytes, PacketOffload offload, int mtu)
    {
        if (offload == default)
        {
            yield return new Frame(bytes);
            yield break;
        }

        int header = bytes[0] >> 4 == 4 ? (bytes[0] & 15) * 4 : 40;
        int protocol = bytes[0] >> 4 == 4 ? bytes[9] : bytes[6];
        int at = header + (protocol == IpPacket.Tcp ? 16 : 6);
        IpAddr source = bytes[0] >> 4 == 4 ? IpAddr.Read(bytes.AsSpan(12, 4)) : IpAddr.Read(bytes.AsSpan(8, 16));
        IpAddr destination = bytes[0] >> 4 == 4 ? IpAddr.Read(bytes.AsSpan(16, 4)) : IpAddr.Read(bytes.AsSpan(24, 16));
        if (offload.Checksum == ChecksumState.Partial)
        {
            uint pseudo = IpPacket.PseudoSum(source, destination, (byte)protocol, bytes.Length - header);
            World.Check(BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at)) == pseudo, "a partial checksum that is not the pseudo-header's sum");
        }
        else
        {
            World.Check(offload.SegmentSize == 0, "a super-segment without a partial checksum");
        }

        if (offload.SegmentSize == 0)
        {
            byte[] whole = [.. bytes];
            BinaryPrimitives.WriteUInt16BigEndian(whole.AsSpan(at), 0);
            Checksum(whole, header, at, source, destination, (byte)protocol);
            yield return new Frame(whole);
            yield break;
        }

        World.Check(protocol is IpPacket.Tcp or IpPacket.Udp, $"a super-segment of protocol {protocol}");
        int space = header + (protocol == IpPacket.Tcp ? (bytes[header + 12] >> 4) * 4 : 8);
        World.Check(space + offload.SegmentSize <= mtu, $"segments of {offload.SegmentSize} bytes behind {space} bytes of headers exceed the MTU {mtu}");
        World.Check(space + offload.SegmentSize < bytes.Length, "a super-segment of one segment or none");
        World.Check(protocol == IpPacket.Tcp || (bytes.Length - space + offload.SegmentSize - 1) / offload.SegmentSize <= 64, "more datagrams than a kernel cuts");
        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(header + 4));
        for (int from = space, n = 0; from < bytes.Length; from += offload.SegmentSize, n++)
        {
            int take = Math.Min(offload.SegmentSize, bytes.Length - from);
            byte[] part = new byte[space + take];
            bytes.AsSpan(0, space).CopyTo(part);
            bytes.AsSpan(from, take).CopyTo(part.AsSpan(space));
            if (protocol == IpPacket.Udp)
            {
                BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(header + 4), (ushort)(8 + take));
            }
            else
            {
                BinaryPrimitives.WriteUInt32BigEndian(part.AsSpan(header + 4), sequence + (uint)(from - space));
            }

            if (protocol == IpPacket.Tcp && from + take < bytes.Length)
            {
                part[header + 13] &= unchecked((byte)~(byte)(Bits.Fin | Bits.Psh));
            }

            if (bytes[0] >> 4 == 4)
            {
                BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(2), (ushort)part.Length);
                BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(4), (ushort)(BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(4)) + n));
                BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(10), 0);
                BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(10), Sum.Finish(Sum.Add(0, part.AsSpan(0, header))));
            }
            else
            {
                BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(4), (ushort)(part.Length - 40));
            }

            BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(at), 0);
            Checksum(part, header, at, source, destination, (byte)protocol);
            yield return new Frame(part);
        }
    }

    private static void Checksum(byte[] packet, int header, int at, IpAddr source, IpAddr destination, byte protocol)
    {
        uint sum = IpPacket.PseudoSum(source, destination, protocol, packet.Length - header);
        ushort checksum = Sum.Finish(Sum.Add(sum, packet.AsSpan(header)));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(at), protocol == IpPacket.Udp && checksum == 0 ? (ushort)0xFFFF : checksum);
    }
}
