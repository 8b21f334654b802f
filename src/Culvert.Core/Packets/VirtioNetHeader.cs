using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>
/// The header that a TUN device with offloads puts in front of every packet: virtio 1.2 section 5.1.6, little-endian, with the field for merged
/// buffers, which a TUN device leaves alone.
/// </summary>
public static class VirtioNetHeader
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 12;

    private const byte NeedsChecksum = 1;
    private const byte DataValid = 2;
    private const byte GsoNone = 0;
    private const byte GsoTcpV4 = 1;
    private const byte GsoTcpV6 = 4;
    private const byte GsoUdp = 5;
    private const byte GsoEcn = 0x80;

    /// <summary>
    /// Reads the header in front of <paramref name="packet"/> and checks it against the packet; false for anything that a device offered TCP and UDP
    /// segmentation and checksums may not say.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> header, ReadOnlySpan<byte> packet, out PacketOffload offload)
    {
        offload = default;
        if (header.Length < Size)
        {
            return false;
        }

        byte flags = header[0];
        byte gso = (byte)(header[1] & ~GsoEcn);
        if ((flags & ~(NeedsChecksum | DataValid)) != 0)
        {
            return false;
        }

        byte protocol = 0;
        if ((flags & NeedsChecksum) != 0)
        {
            int start = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]);
            int offset = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
            if (!TryFindTransport(packet, out protocol, out int transport) || start != transport || start + offset + 2 > packet.Length
                || offset != ChecksumOffset(protocol))
            {
                return false;
            }
        }

        ushort segment = 0;
        if (gso != GsoNone)
        {
            // Segmentation goes with a checksum to complete (virtio 1.2 section 5.1.6.2.1), so the transport has been looked at.
            segment = BinaryPrimitives.ReadUInt16LittleEndian(header[4..]);
            int version = packet.IsEmpty ? 0 : packet[0] >> 4;
            bool matches = gso switch
            {
                GsoTcpV4 => version == 4 && protocol == IpProtocol.Tcp,
                GsoTcpV6 => version == 6 && protocol == IpProtocol.Tcp,
                GsoUdp => protocol == IpProtocol.Udp && (header[1] & GsoEcn) == 0,
                _ => false,
            };
            if (!matches || segment == 0 || BinaryPrimitives.ReadUInt16LittleEndian(header[2..]) > packet.Length)
            {
                return false;
            }
        }
        else if ((header[1] & GsoEcn) != 0)
        {
            return false;
        }

        offload = new PacketOffload(flags != 0 ? ChecksumState.Partial : ChecksumState.Complete, segment);
        return true;
    }

    /// <summary>
    /// Writes the header for <paramref name="packet"/> into the first <see cref="Size"/> bytes of <paramref name="header"/>. The packet is of the stack's making: TCP or
    /// UDP without extension headers where its offload is not default.
    /// </summary>
    public static void Write(Span<byte> header, in OutgoingPacket packet)
    {
        header = header[..Size];
        header.Clear();
        if (packet.Offload.Checksum != ChecksumState.Partial)
        {
            return;
        }

        if (!TryFindTransport(packet.Header, out byte protocol, out int transport))
        {
            throw new ArgumentException("only a TCP or UDP packet leaves its checksum to the device", nameof(packet));
        }

        header[0] = NeedsChecksum;
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], (ushort)transport);
        BinaryPrimitives.WriteUInt16LittleEndian(header[8..], (ushort)ChecksumOffset(protocol));
        if (packet.Offload.SegmentSize != 0 && packet.Payload.Length > packet.Offload.SegmentSize)
        {
            header[1] = protocol == IpProtocol.Udp ? GsoUdp : packet.Header[0] >> 4 == 4 ? GsoTcpV4 : GsoTcpV6;
            BinaryPrimitives.WriteUInt16LittleEndian(header[2..], (ushort)packet.Header.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(header[4..], packet.Offload.SegmentSize);
        }
    }

    /// <summary>Where TCP or UDP begins; false for any other packet. The stack checks the IP header again, and whole.</summary>
    private static bool TryFindTransport(ReadOnlySpan<byte> packet, out byte protocol, out int offset)
    {
        protocol = 0;
        offset = 0;
        if (packet.Length >= IpHeader.V4Size && packet[0] >> 4 == 4)
        {
            protocol = packet[9];
            offset = (packet[0] & 0x0F) * 4;
        }
        else if (packet.Length >= IpHeader.V6Size && packet[0] >> 4 == 6)
        {
            protocol = packet[6];
            offset = IpHeader.V6Size;
            if (protocol is not (IpProtocol.Tcp or IpProtocol.Udp))
            {
                if (!IpHeader.TryParse(packet, out IpHeader ip) || ip.IsFragment)
                {
                    return false;
                }

                protocol = ip.Protocol;
                offset = ip.HeaderLength;
            }
        }

        return protocol is IpProtocol.Tcp or IpProtocol.Udp && offset >= IpHeader.V4Size;
    }

    private static int ChecksumOffset(byte protocol) => protocol == IpProtocol.Tcp ? TcpHeader.ChecksumOffset : UdpHeader.ChecksumOffset;
}
