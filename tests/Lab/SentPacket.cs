using System;
using System.Net;

namespace Culvert.Tests.Lab;

/// <summary>One kind of packet that left the client: everything of it except the source port, payload and count.</summary>
/// <param name="EtherType">The frame's protocol (0x0800 IPv4, 0x86DD IPv6, 0x0806 ARP).</param>
/// <param name="Source">Sender; null when it is not IP.</param>
/// <param name="Destination">Receiver; null when it is not IP.</param>
/// <param name="Protocol">IP protocol number, behind extension headers.</param>
/// <param name="Port">Destination port of TCP and UDP, type of ICMP, else 0.</param>
/// <param name="Flags">The flags of TCP, else 0: what a leak was tells where it came from.</param>
public sealed record SentPacket(int EtherType, IPAddress? Source, IPAddress? Destination, int Protocol, int Port, int Flags = 0)
{
    private const int Tcp = 6;
    private const int Udp = 17;
    private const int Igmp = 2;
    private const int Icmp6 = 58;

    /// <summary>
    /// Neighbourhood noise that every IP host makes by itself: ARP, neighbour and router discovery (RFC 4861), multicast listener
    /// reports (RFC 3810), IGMP. This list is the whole of what the oracle forgives.
    /// </summary>
    public bool IsNoise => EtherType == 0x0806 || (EtherType == 0x0800 && Protocol == Igmp) || (EtherType == 0x86DD && Protocol == Icmp6 && Port is >= 131 and <= 136 or 143);

    /// <summary>Reads the headers of an Ethernet frame; a frame too short to tell keeps zeros.</summary>
    public static SentPacket Parse(ReadOnlySpan<byte> frame)
    {
        int type = frame.Length >= 14 ? (frame[12] << 8) | frame[13] : 0;
        ReadOnlySpan<byte> packet = frame.Length >= 14 ? frame[14..] : default;
        if (type == 0x0800 && packet.Length >= 20)
        {
            int protocol = packet[9];
            bool first = (((packet[6] << 8) | packet[7]) & 0x1FFF) == 0;
            int header = (packet[0] & 15) * 4;
            return new SentPacket(type, new IPAddress(packet.Slice(12, 4)), new IPAddress(packet.Slice(16, 4)), protocol, first ? PortOf(protocol, packet, header) : 0, first ? FlagsOf(protocol, packet, header) : 0);
        }

        if (type == 0x86DD && packet.Length >= 40)
        {
            int next = packet[6];
            int offset = 40;
            // Hop-by-hop, routing and destination options are skipped; a fragment shows as protocol 44.
            while (next is 0 or 43 or 60 && packet.Length >= offset + 8)
            {
                int length = (packet[offset + 1] + 1) * 8;
                next = packet[offset];
                offset += length;
            }

            return new SentPacket(type, new IPAddress(packet.Slice(8, 16)), new IPAddress(packet.Slice(24, 16)), next, PortOf(next, packet, offset), FlagsOf(next, packet, offset));
        }

        return new SentPacket(type, null, null, 0, 0);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        string protocol = Protocol switch { Tcp => "tcp", Udp => "udp", 1 => "icmp", Icmp6 => "icmp6", _ => $"protocol {Protocol}" };
        return Source is null ? $"frame of type 0x{EtherType:X4}" : $"{Source} > {Destination} {protocol} {Port}{Names(Flags)}";
    }

    private static int FlagsOf(int protocol, ReadOnlySpan<byte> packet, int offset) => protocol == Tcp && packet.Length > offset + 13 ? packet[offset + 13] & 0x17 : 0;

    private static string Names(int flags) =>
        ((flags & 2) != 0 ? " SYN" : "") + ((flags & 1) != 0 ? " FIN" : "") + ((flags & 4) != 0 ? " RST" : "") + ((flags & 16) != 0 ? " ACK" : "");

    private static int PortOf(int protocol, ReadOnlySpan<byte> packet, int offset) => protocol switch
    {
        Tcp or Udp when packet.Length >= offset + 4 => (packet[offset + 2] << 8) | packet[offset + 3],
        1 or Icmp6 when packet.Length > offset => packet[offset],
        _ => 0,
    };
}
