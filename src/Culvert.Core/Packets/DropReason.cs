namespace Culvert.Core.Packets;

/// <summary>Why a packet went no further. Each has a counter in <see cref="DropCounters"/>.</summary>
public enum DropReason : byte
{
    /// <summary>It was not dropped.</summary>
    None,

    /// <summary>Shorter than the header it claims to have.</summary>
    Truncated,

    /// <summary>Neither IPv4 nor IPv6.</summary>
    Version,

    /// <summary>The IP header's own length is impossible.</summary>
    HeaderLength,

    /// <summary>The IP total length is impossible or more than there is.</summary>
    TotalLength,

    /// <summary>The IPv4 header checksum is wrong.</summary>
    HeaderChecksum,

    /// <summary>An IPv6 extension header is malformed, out of place, one too many, or demands to be understood.</summary>
    ExtensionHeader,

    /// <summary>A routing header of type 0, or with segments left (RFC 5095, RFC 8200 section 4.4).</summary>
    RoutingHeader,

    /// <summary>The source is no address that a host may send from.</summary>
    MartianSource,

    /// <summary>The destination is no address that may stand on a wire.</summary>
    MartianDestination,

    /// <summary>The TCP, UDP or ICMP header is malformed.</summary>
    TransportHeader,

    /// <summary>The TCP, UDP or ICMP checksum is wrong.</summary>
    TransportChecksum,

    /// <summary>A protocol above IP that is not carried.</summary>
    Protocol,

    /// <summary>A fragment that is empty, or not a multiple of 8 bytes although more follow.</summary>
    FragmentLength,

    /// <summary>A first fragment too small for the headers it must hold (RFC 1858, RFC 7112).</summary>
    FragmentTiny,

    /// <summary>Fragments that overlap, or disagree about the end: the whole packet is gone (RFC 5722).</summary>
    FragmentOverlap,

    /// <summary>A fragment that ends behind the largest possible packet.</summary>
    FragmentTooLong,

    /// <summary>A packet in more pieces than are kept apart.</summary>
    FragmentPieces,

    /// <summary>An unfinished packet that was pushed out by a newer one at the limit.</summary>
    FragmentPushedOut,

    /// <summary>A packet that was not complete in time.</summary>
    FragmentTimeout,

    /// <summary>A segment or message that belongs to no flow.</summary>
    NoFlow,

    /// <summary>A TCP segment that its connection may not accept.</summary>
    Segment,

    /// <summary>A named limit of the stack was reached.</summary>
    Limit,
}
