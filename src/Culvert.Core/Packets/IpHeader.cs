using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>
/// The IP header of a packet, of either version, checked and copied out (RFC 791, RFC 8200). Lengths and offsets are bytes from the
/// packet's first byte.
/// </summary>
public readonly struct IpHeader
{
    /// <summary>Bytes of an IPv4 header without options.</summary>
    public const int V4Size = 20;

    /// <summary>Bytes of an IPv6 header without extension headers.</summary>
    public const int V6Size = 40;

    /// <summary>4 or 6.</summary>
    public byte Version { get; private init; }

    /// <summary>Where the packet says it comes from; see <see cref="IsValidSource"/>.</summary>
    public IpAddr Source { get; private init; }

    /// <summary>Where it goes.</summary>
    public IpAddr Destination { get; private init; }

    /// <summary>
    /// The protocol of the header at <see cref="HeaderLength"/>: behind all IPv6 extension headers, or, in an IPv6 fragment, the next header of
    /// the fragment header.
    /// </summary>
    public byte Protocol { get; private init; }

    /// <summary>Where the transport header (of a fragment: the fragment's part) begins.</summary>
    public int HeaderLength { get; private init; }

    /// <summary>Bytes of the packet; what a link added behind is not part of it.</summary>
    public int TotalLength { get; private init; }

    /// <summary>Bytes behind the header.</summary>
    public int PayloadLength => TotalLength - HeaderLength;

    /// <summary>Time to live, or hop limit.</summary>
    public byte HopLimit { get; private init; }

    /// <summary>DSCP and ECN bits.</summary>
    public byte TrafficClass { get; private init; }

    /// <summary>IPv4: the don't-fragment flag. IPv6: always true.</summary>
    public bool DontFragment { get; private init; }

    /// <summary>The packet is a piece of another. An IPv6 packet whose fragment header fragments nothing is not (RFC 6946).</summary>
    public bool IsFragment => MoreFragments || FragmentOffset != 0;

    /// <summary>Where in the fragmented part this fragment belongs.</summary>
    public int FragmentOffset { get; private init; }

    /// <summary>Another fragment follows this one.</summary>
    public bool MoreFragments { get; private init; }

    /// <summary>The identification that a packet's fragments share.</summary>
    public uint FragmentId { get; private init; }

    /// <summary>IPv6: where the fragment header is; 0 when there is none.</summary>
    public int FragmentHeaderOffset { get; private init; }

    /// <summary>
    /// False for a source that no host may send from: unspecified ("this network"), loopback, multicast or broadcast (RFC 1122 section 3.2.1.3, RFC
    /// 4291 section 2.5-2.7).
    /// </summary>
    public bool IsValidSource => Version == 4
        ? Source.V4 >> 24 is not (0 or 127) && Source.V4 >> 28 != 0xE && Source.V4 != uint.MaxValue
        : Source.Bits > UInt128.One && (byte)(Source.Bits >> 120) != 0xFF;

    /// <summary>The packet is addressed to many: multicast, or IPv4's limited broadcast.</summary>
    public bool IsToMany => Version == 4
        ? Destination.V4 >> 28 == 0xE || Destination.V4 == uint.MaxValue
        : (byte)(Destination.Bits >> 120) == 0xFF;

    /// <summary>Reads and checks the header of <paramref name="packet"/>; false for one to drop. Never throws.</summary>
    public static bool TryParse(ReadOnlySpan<byte> packet, out IpHeader header) => TryParse(packet, out header, out _);

    /// <summary>As above, and says why not.</summary>
    public static bool TryParse(ReadOnlySpan<byte> packet, out IpHeader header, out DropReason reason)
    {
        header = default;
        reason = packet.IsEmpty ? DropReason.Truncated : (packet[0] >> 4) switch
        {
            4 => ParseV4(packet, ref header),
            6 => ParseV6(packet, ref header),
            _ => DropReason.Version,
        };
        return reason == DropReason.None;
    }

    private static DropReason ParseV4(ReadOnlySpan<byte> packet, ref IpHeader header)
    {
        if (packet.Length < V4Size)
        {
            return DropReason.Truncated;
        }

        int headerLength = (packet[0] & 0x0F) * 4;
        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (headerLength < V4Size || headerLength > packet.Length)
        {
            return DropReason.HeaderLength;
        }

        if (totalLength < headerLength || totalLength > packet.Length)
        {
            return DropReason.TotalLength;
        }

        if (Checksum.Compute(packet[..headerLength]) != 0)
        {
            return DropReason.HeaderChecksum;
        }

        ushort fragment = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        header = new IpHeader
        {
            Version = 4,
            Source = IpAddr.FromV4(BinaryPrimitives.ReadUInt32BigEndian(packet[12..])),
            Destination = IpAddr.FromV4(BinaryPrimitives.ReadUInt32BigEndian(packet[16..])),
            Protocol = packet[9],
            HeaderLength = headerLength,
            TotalLength = totalLength,
            HopLimit = packet[8],
            TrafficClass = packet[1],
            DontFragment = (fragment & 0x4000) != 0,
            MoreFragments = (fragment & 0x2000) != 0,
            FragmentOffset = (fragment & 0x1FFF) * 8,
            FragmentId = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]),
        };
        return DropReason.None;
    }

    private static DropReason ParseV6(ReadOnlySpan<byte> packet, ref IpHeader header)
    {
        if (packet.Length < V6Size)
        {
            return DropReason.Truncated;
        }

        // A payload length of zero is a packet without payload: jumbograms (RFC 2675) need an option that is refused.
        int totalLength = V6Size + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        if (totalLength > packet.Length)
        {
            return DropReason.TotalLength;
        }

        DropReason reason = ExtensionHeaders.Walk(packet[..totalLength], packet[6], V6Size, fragmented: false, out ExtensionHeaders extensions);
        if (reason != DropReason.None)
        {
            return reason;
        }

        // A mapped address would be taken for the IPv4 address it holds; it never stands on a wire (RFC 4291 section 2.5.5.2).
        IpAddr source = IpAddr.Read(packet.Slice(8, 16)), destination = IpAddr.Read(packet.Slice(24, 16));
        if (source.IsV4 || destination.IsV4)
        {
            return source.IsV4 ? DropReason.MartianSource : DropReason.MartianDestination;
        }

        header = new IpHeader
        {
            Version = 6,
            Source = source,
            Destination = destination,
            Protocol = extensions.Protocol,
            HeaderLength = extensions.End,
            TotalLength = totalLength,
            HopLimit = packet[7],
            TrafficClass = (byte)(BinaryPrimitives.ReadUInt16BigEndian(packet) >> 4),
            DontFragment = true,
            MoreFragments = extensions.MoreFragments,
            FragmentOffset = extensions.FragmentOffset,
            FragmentId = extensions.FragmentId,
            FragmentHeaderOffset = extensions.FragmentHeader,
        };
        return DropReason.None;
    }
}
