using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>A UDP header (RFC 768).</summary>
internal readonly struct UdpHeader
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 8;

    /// <summary>Where the checksum is in the header.</summary>
    public const int ChecksumOffset = 6;

    public ushort SourcePort { get; private init; }

    public ushort DestinationPort { get; private init; }

    /// <summary>Bytes of header and payload; what IP carries behind is not part of the datagram.</summary>
    public int Length { get; private init; }

    /// <summary>As it stands; 0 for none.</summary>
    public ushort Checksum { get; private init; }

    /// <summary>Reads the header of <paramref name="datagram"/>; false when it or the length it tells does not fit in.</summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out UdpHeader header)
    {
        header = default;
        if (datagram.Length < Size)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(datagram[4..]);
        if (length < Size || length > datagram.Length)
        {
            return false;
        }

        header = new UdpHeader
        {
            SourcePort = BinaryPrimitives.ReadUInt16BigEndian(datagram),
            DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]),
            Length = length,
            Checksum = BinaryPrimitives.ReadUInt16BigEndian(datagram[6..]),
        };
        return true;
    }

    /// <summary>
    /// Writes the header of a datagram (payload at most 65,527 bytes) with its checksum, or with the sum of the pseudo-header when the
    /// device completes it. Returns <see cref="Size"/>.
    /// </summary>
    public static int Write(Span<byte> bytes, IpEndpoint source, IpEndpoint destination, ReadOnlySpan<byte> payload, ChecksumState state = ChecksumState.Complete)
    {
        bytes = bytes[..Size];
        int length = checked((ushort)(Size + payload.Length));
        BinaryPrimitives.WriteUInt16BigEndian(bytes, source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], destination.Port);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], (ushort)length);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], 0);
        ushort checksum = state == ChecksumState.Partial
            ? Packets.Checksum.Partial(source.Address, destination.Address, IpProtocol.Udp, length)
            : Packets.Checksum.Transport(source.Address, destination.Address, IpProtocol.Udp, bytes, payload);
        if (checksum == 0 && state == ChecksumState.Complete)
        {
            checksum = 0xFFFF; // zero would say that there is none
        }

        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], checksum);
        return Size;
    }
}
