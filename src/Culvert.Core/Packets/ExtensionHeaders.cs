using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>Walks the extension headers of an IPv6 packet (RFC 8200 section 4), no further than the first real fragment header.</summary>
internal readonly ref struct ExtensionHeaders
{
    /// <summary>More extension headers than any honest packet has; one more and the packet is refused.</summary>
    public const int MaxHeaders = 8;

    /// <summary>The protocol behind the headers walked.</summary>
    public byte Protocol { get; private init; }

    /// <summary>Where that protocol's header begins.</summary>
    public int End { get; private init; }

    /// <summary>Where the fragment header is; 0 when there is none.</summary>
    public int FragmentHeader { get; private init; }

    /// <summary>The fragment's offset in bytes.</summary>
    public int FragmentOffset { get; private init; }

    /// <summary>More fragments follow.</summary>
    public bool MoreFragments { get; private init; }

    /// <summary>The fragment header's identification.</summary>
    public uint FragmentId { get; private init; }

    /// <summary>
    /// Walks <paramref name="packet"/> from the header of kind <paramref name="protocol"/> at <paramref name="offset"/>. A fragment header that
    /// fragments nothing is stepped over (RFC 6946); behind one (<paramref name="fragmented"/>) no other may follow.
    /// </summary>
    public static DropReason Walk(ReadOnlySpan<byte> packet, byte protocol, int offset, bool fragmented, out ExtensionHeaders headers)
    {
        headers = default;
        int fragmentHeader = 0;
        uint fragmentId = 0;
        for (int count = 0; protocol is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.Fragment or IpProtocol.DestinationOptions; count++)
        {
            if (packet.Length - offset < 8)
            {
                return DropReason.Truncated;
            }

            ReadOnlySpan<byte> rest = packet[offset..];
            int length = protocol == IpProtocol.Fragment ? 8 : 8 + (rest[1] * 8);
            if (rest.Length < length)
            {
                return DropReason.Truncated;
            }

            if (count == MaxHeaders)
            {
                return DropReason.ExtensionHeader;
            }

            switch (protocol)
            {
                case IpProtocol.HopByHop when offset != IpHeader.V6Size:
                case IpProtocol.Fragment when fragmented:
                    return DropReason.ExtensionHeader;
                case IpProtocol.Routing when rest[2] == 0 || rest[3] != 0:
                    return DropReason.RoutingHeader;
                case IpProtocol.HopByHop or IpProtocol.DestinationOptions when !AreOptionsSkippable(rest[2..length]):
                    return DropReason.ExtensionHeader;
                case IpProtocol.Fragment:
                    ushort place = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
                    fragmentId = BinaryPrimitives.ReadUInt32BigEndian(rest[4..]);
                    fragmentHeader = offset;
                    fragmented = true;
                    if ((place & 0xFFF9) != 0)
                    {
                        headers = new ExtensionHeaders
                        {
                            Protocol = rest[0],
                            End = offset + length,
                            FragmentHeader = fragmentHeader,
                            FragmentOffset = place & 0xFFF8,
                            MoreFragments = (place & 1) != 0,
                            FragmentId = fragmentId,
                        };
                        return DropReason.None;
                    }

                    break;
            }

            protocol = rest[0];
            offset += length;
        }

        headers = new ExtensionHeaders { Protocol = protocol, End = offset, FragmentHeader = fragmentHeader, FragmentId = fragmentId };
        return DropReason.None;
    }

    /// <summary>
    /// Where in a packet already walked the next-header field stands that names the header at <paramref name="offset"/>: in the IPv6 header or in the
    /// last extension header before.
    /// </summary>
    public static int LastNextHeader(ReadOnlySpan<byte> packet, int offset)
    {
        int field = 6;
        for (int at = IpHeader.V6Size; at < offset;)
        {
            int length = packet[field] == IpProtocol.Fragment ? 8 : 8 + (packet[at + 1] * 8);
            field = at;
            at += length;
        }

        return field;
    }

    /// <summary>
    /// Whether every option is well formed and may be skipped by who does not know it: the two highest bits of its type are zero (RFC 8200
    /// section 4.2). A jumbo payload option (RFC 2675) is not.
    /// </summary>
    private static bool AreOptionsSkippable(ReadOnlySpan<byte> options)
    {
        while (!options.IsEmpty)
        {
            if (options[0] == 0)
            {
                options = options[1..];
                continue;
            }

            if ((options[0] & 0xC0) != 0 || options.Length < 2 || options.Length < 2 + options[1])
            {
                return false;
            }

            options = options[(2 + options[1])..];
        }

        return true;
    }
}
