using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>Writes IP headers; the version is that of the addresses.</summary>
internal static class IpWriter
{
    /// <summary>Bytes of an IPv6 fragment header (RFC 8200 section 4.5).</summary>
    public const int FragmentHeaderSize = 8;

    /// <summary>Hops that our packets may go; Linux's default.</summary>
    public const byte DefaultHopLimit = 64;

    /// <summary>Bytes of the header of a packet between addresses of <paramref name="address"/>'s version.</summary>
    public static int HeaderSize(IpAddr address) => address.IsV4 ? IpHeader.V4Size : IpHeader.V6Size;

    /// <summary>
    /// Writes the header of a whole packet of <paramref name="payloadLength"/> bytes behind it, not to be fragmented on the way; returns its length.
    /// </summary>
    public static int Write(
        Span<byte> bytes, IpAddr source, IpAddr destination, byte protocol, int payloadLength, ushort id = 0, byte trafficClass = 0, byte hopLimit = DefaultHopLimit)
    {
        if (source.IsV4)
        {
            WriteV4(bytes, source, destination, protocol, payloadLength, id, 0x4000, trafficClass, hopLimit);
            return IpHeader.V4Size;
        }

        WriteV6(bytes, source, destination, protocol, payloadLength, trafficClass, hopLimit);
        return IpHeader.V6Size;
    }

    /// <summary>
    /// Writes the header of one fragment, for IPv6 with its fragment header; returns its length. <paramref name="offset"/> is in bytes, a multiple
    /// of 8.
    /// </summary>
    public static int WriteFragment(
        Span<byte> bytes, IpAddr source, IpAddr destination, byte protocol, int payloadLength, uint id, int offset, bool more)
    {
        if (source.IsV4)
        {
            WriteV4(bytes, source, destination, protocol, payloadLength, (ushort)id, (ushort)((offset / 8) | (more ? 0x2000 : 0)), 0, DefaultHopLimit);
            return IpHeader.V4Size;
        }

        WriteV6(bytes, source, destination, IpProtocol.Fragment, FragmentHeaderSize + payloadLength, 0, DefaultHopLimit);
        Span<byte> fragment = bytes.Slice(IpHeader.V6Size, FragmentHeaderSize);
        fragment[0] = protocol;
        fragment[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(fragment[2..], (ushort)(offset | (more ? 1 : 0)));
        BinaryPrimitives.WriteUInt32BigEndian(fragment[4..], id);
        return IpHeader.V6Size + FragmentHeaderSize;
    }

    /// <summary>Puts the right checksum in the IPv4 header <paramref name="header"/>.</summary>
    public static void SetHeaderChecksum(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], Checksum.Compute(header));
    }

    private static void WriteV4(
        Span<byte> bytes, IpAddr source, IpAddr destination, byte protocol, int payloadLength, ushort id, ushort fragment, byte trafficClass, byte hopLimit)
    {
        bytes = bytes[..IpHeader.V4Size];
        bytes[0] = 0x45;
        bytes[1] = trafficClass;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], checked((ushort)(IpHeader.V4Size + payloadLength)));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], id);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], fragment);
        bytes[8] = hopLimit;
        bytes[9] = protocol;
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], source.V4);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[16..], destination.V4);
        SetHeaderChecksum(bytes);
    }

    private static void WriteV6(
        Span<byte> bytes, IpAddr source, IpAddr destination, byte protocol, int payloadLength, byte trafficClass, byte hopLimit)
    {
        bytes = bytes[..IpHeader.V6Size];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, 0x6000_0000 | ((uint)trafficClass << 20));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], checked((ushort)payloadLength));
        bytes[6] = protocol;
        bytes[7] = hopLimit;
        source.Write(bytes[8..]);
        destination.Write(bytes[24..]);
    }
}
