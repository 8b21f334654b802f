using System.Net;

namespace Culvert.Core.Dns;

/// <summary>
/// The addresses of the tunnel itself, in one place: the link's own, the resolver that the system is told to ask, and the
/// blocks that fake addresses are taken from. 198.18.0.0/15 is the block for benchmarks (RFC 2544), which no host on the
/// Internet has; the IPv6 block is a unique local one (RFC 4193). The first addresses of each block are the tunnel's own.
/// </summary>
public static class TunnelAddresses
{
    /// <summary>Bits that all addresses of the IPv4 block share.</summary>
    public const int PrefixLengthV4 = 15;

    /// <summary>Bits that all addresses of the IPv6 block share.</summary>
    public const int PrefixLengthV6 = 64;

    /// <summary>How many addresses at the start of each block are never given to a name: network, resolver, link, and room to grow.</summary>
    public const int Reserved = 256;

    /// <summary>The IPv4 block, 198.18.0.0/15.</summary>
    public static readonly IPNetwork BlockV4 = new(new IPAddress([198, 18, 0, 0]), PrefixLengthV4);

    /// <summary>The IPv6 block, fd43:756c:7665::/64.</summary>
    public static readonly IPNetwork BlockV6 = new(IPAddress.Parse("fd43:756c:7665::"), PrefixLengthV6);

    /// <summary>The IPv4 resolver that the system behind the link is told to ask, 198.18.0.1.</summary>
    public static readonly IPAddress ResolverV4 = new([198, 18, 0, 1]);

    /// <summary>The link's own IPv4 address, 198.18.0.2.</summary>
    public static readonly IPAddress LinkV4 = new([198, 18, 0, 2]);

    /// <summary>The IPv6 resolver that the system behind the link is told to ask, fd43:756c:7665::1.</summary>
    public static readonly IPAddress ResolverV6 = IPAddress.Parse("fd43:756c:7665::1");

    /// <summary>The link's own IPv6 address, fd43:756c:7665::2.</summary>
    public static readonly IPAddress LinkV6 = IPAddress.Parse("fd43:756c:7665::2");
}
