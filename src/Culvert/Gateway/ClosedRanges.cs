using System;
using System.Linq;
using Culvert.Core.Packets;

namespace Culvert.Gateway;

/// <summary>
/// Addresses that a gateway does not let its devices reach unless a rule names them: those that mean the gateway itself or its own network, and those that are
/// nobody's on the Internet (IANA's special-purpose registries, RFC 6890 and its successors; the metadata services of the clouds).
/// </summary>
internal static class ClosedRanges
{
    private const string Loopback = "it is a loopback address of the gateway";
    private const string Private = "it is a private address of the gateway's network";
    private const string LinkLocal = "it is a link-local address of the gateway's network";
    private const string Metadata = "it is the metadata service of the gateway's cloud";
    private const string Multicast = "it is a multicast address";
    private const string Documentation = "it is an address for documentation";
    private const string Reserved = "it is a reserved address";
    private const string Unspecified = "it is the unspecified address, or of its network";

    private static readonly AddressRange Nat64 = AddressRange.Parse("64:ff9b::/96");
    private static readonly AddressRange SixToFour = AddressRange.Parse("2002::/16");
    private static readonly AddressRange Teredo = AddressRange.Parse("2001::/32");

    // The innermost first, so that the first that holds an address is the one that counts.
    private static readonly ClosedRange[] All = Sort(
        ("0.0.0.0/8", Unspecified),
        ("10.0.0.0/8", Private),
        ("100.64.0.0/10", "it is an address of the provider's NAT (CGNAT)"),
        ("100.100.100.200", Metadata), // Alibaba
        ("127.0.0.0/8", Loopback),
        ("168.63.129.16", Metadata), // Azure's host, to be reached from its guests alone
        ("169.254.0.0/16", LinkLocal),
        ("169.254.169.254", Metadata), // nearly all
        ("169.254.170.2", Metadata), // AWS, for containers
        ("172.16.0.0/12", Private),
        ("192.0.0.0/24", Reserved),
        ("192.0.0.192", Metadata), // Oracle
        ("192.0.2.0/24", Documentation),
        ("192.88.99.0/24", "it is a 6to4 relay"),
        ("192.168.0.0/16", Private),
        ("198.18.0.0/15", "it is an address for benchmarks, or a made-up one of a tunnel"),
        ("198.51.100.0/24", Documentation),
        ("203.0.113.0/24", Documentation),
        ("224.0.0.0/4", Multicast),
        ("240.0.0.0/4", Reserved),
        ("255.255.255.255", "it is the broadcast address"),
        ("::/96", "it is an IPv4-compatible address"),
        ("::", Unspecified),
        ("::1", Loopback),
        ("::ffff:0:0:0/96", "it is an address of a stateless translator"), // SIIT, RFC 2765: never on the Internet
        ("64:ff9b:1::/48", "it is an address of the gateway's own NAT64"), // RFC 8215
        ("100::/64", "it is a discard address"),
        ("2001:2::/48", Reserved),
        ("2001:10::/28", Reserved),
        ("2001:db8::/32", Documentation),
        ("3fff::/20", Documentation),
        ("5f00::/16", Reserved),
        ("fc00::/7", Private),
        ("fd00:ec2::254", Metadata), // AWS
        ("fd20:ce::254", Metadata), // Google
        ("fe80::/10", LinkLocal),
        ("fec0::/10", Private),
        ("ff00::/8", Multicast));

    /// <summary>The innermost closed range that holds <paramref name="address"/>. False where there is none.</summary>
    public static bool TryFind(IpAddr address, out ClosedRange found)
    {
        foreach (ClosedRange closed in All)
        {
            if (closed.Range.Contains(address))
            {
                found = closed;
                return true;
            }
        }

        found = default;
        return false;
    }

    /// <summary>
    /// The IPv4 addresses that a packet to <paramref name="address"/> may end at after a translator or a relay took it out of its wrapping: NAT64 (RFC 6052), 6to4 (RFC 3056),
    /// Teredo's client and server (RFC 4380), and ISATAP (RFC 5214). IPv4-mapped ones are IPv4 here. At most two, the count is returned.
    /// </summary>
    public static int Embedded(IpAddr address, Span<IpAddr> found)
    {
        UInt128 bits = address.Bits;
        if (address.IsV4)
        {
            return 0;
        }

        if (Nat64.Contains(address))
        {
            found[0] = IpAddr.FromV4((uint)bits);
            return 1;
        }

        if (SixToFour.Contains(address))
        {
            found[0] = IpAddr.FromV4((uint)(bits >> 80));
            return 1;
        }

        if (Teredo.Contains(address))
        {
            found[0] = IpAddr.FromV4((uint)(bits >> 64));
            found[1] = IpAddr.FromV4(~(uint)bits);
            return 2;
        }

        // The interface identifier of ISATAP, with the universal bit either way.
        if (((uint)(bits >> 32) & ~0x0200_0000u) == 0x0000_5EFE)
        {
            found[0] = IpAddr.FromV4((uint)bits);
            return 1;
        }

        return 0;
    }

    private static ClosedRange[] Sort(params (string Range, string Why)[] ranges) =>
        [.. ranges.Select(static r => new ClosedRange(AddressRange.Parse(r.Range), r.Why)).OrderByDescending(static r => r.Range.Bits)];
}

/// <summary>Addresses that are refused unless a rule names them.</summary>
/// <param name="Range">The addresses.</param>
/// <param name="Why">The second half of a sentence: what such an address is.</param>
internal readonly record struct ClosedRange(AddressRange Range, string Why);
