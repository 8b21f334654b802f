using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>ICMP echo of either version.</summary>
internal static class IcmpEcho
{
    /// <summary>Whether <paramref name="icmp"/> in a packet of <paramref name="ip"/> asks for an echo.</summary>
    public static bool IsRequest(in IpHeader ip, in IcmpHeader icmp) =>
        icmp.Code == 0 && icmp.Type == (ip.Version == 4 ? IcmpType.EchoRequest : IcmpType.EchoRequestV6);

    /// <summary>
    /// Makes the whole echo request in <paramref name="packet"/> (<paramref name="ip"/> being its header) its own reply: addresses swapped, a fresh
    /// hop limit, the checksums right.
    /// </summary>
    public static void TurnIntoReply(Span<byte> packet, in IpHeader ip)
    {
        Span<byte> message = packet[ip.HeaderLength..ip.TotalLength];
        ushort before = BinaryPrimitives.ReadUInt16BigEndian(message);
        message[0] = ip.Version == 4 ? IcmpType.EchoReply : IcmpType.EchoReplyV6;
        ushort checksum = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        checksum = Checksum.Update(checksum, before, BinaryPrimitives.ReadUInt16BigEndian(message));

        // All ones is as good as zero, and for a message of nothing but zeros, where the two zeros of the sum differ, the only right one.
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], checksum == 0 ? ushort.MaxValue : checksum);
        if (ip.Version == 4)
        {
            ip.Destination.Write(packet[12..]);
            ip.Source.Write(packet[16..]);
            packet[8] = IpWriter.DefaultHopLimit;
            IpWriter.SetHeaderChecksum(packet[..ip.HeaderLength]);
        }
        else
        {
            ip.Destination.Write(packet[8..]); // the same sum under the checksum in another order
            ip.Source.Write(packet[24..]);
            packet[7] = IpWriter.DefaultHopLimit;
        }
    }
}
