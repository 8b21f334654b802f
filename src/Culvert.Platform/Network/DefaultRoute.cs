using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Culvert.Platform.Network;

/// <summary>The machine's own way out: the default route that it would use if there were no tunnel, read from /proc/net (proc(5)).</summary>
/// <param name="Interface">The interface's name.</param>
/// <param name="Metric">The lower the better.</param>
public readonly record struct DefaultRoute(string Interface, uint Metric)
{
    private const uint RouteUp = 1;
    private const uint RouteReject = 0x200;

    /// <summary>The best default route not by <paramref name="exceptInterface"/>, IPv4 before IPv6; null when there is none.</summary>
    public static DefaultRoute? Find(string exceptInterface) =>
        Best(ParseV4(Lines("/proc/net/route")), exceptInterface) ?? Best(ParseV6(Lines("/proc/net/ipv6_route")), exceptInterface);

    /// <summary>The best default route of IPv6 alone.</summary>
    public static DefaultRoute? FindV6(string exceptInterface) => Best(ParseV6(Lines("/proc/net/ipv6_route")), exceptInterface);

    /// <summary>Interfaces that lead everywhere: by a default route, or by one for half of all addresses, as VPNs make them to win over a default.</summary>
    public static IEnumerable<string> Everywhere() => ParseHalves(Lines("/proc/net/route"));

    internal static IEnumerable<string> ParseHalves(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            string[] fields = line.Split('\t', StringSplitOptions.TrimEntries);
            if (fields.Length >= 8 && fields[7] is ("00000000" or "00000080") && IsUsable(fields[3]))
            {
                yield return fields[0];
            }
        }
    }

    /// <summary>Default routes of the main table, as /proc/net/route has them.</summary>
    internal static IEnumerable<DefaultRoute> ParseV4(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            string[] fields = line.Split('\t', StringSplitOptions.TrimEntries);
            if (fields.Length >= 8 && fields[1] == "00000000" && fields[7] == "00000000" && IsUsable(fields[3])
                && uint.TryParse(fields[6], CultureInfo.InvariantCulture, out uint metric))
            {
                yield return new DefaultRoute(fields[0], metric);
            }
        }
    }

    /// <summary>Default routes of all tables, as /proc/net/ipv6_route has them.</summary>
    internal static IEnumerable<DefaultRoute> ParseV6(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 10 && fields[1] == "00" && fields[0].AsSpan().TrimStart('0').IsEmpty && IsUsable(fields[8])
                && uint.TryParse(fields[5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint metric))
            {
                yield return new DefaultRoute(fields[9], metric);
            }
        }
    }

    internal static DefaultRoute? Best(IEnumerable<DefaultRoute> routes, string exceptInterface)
    {
        DefaultRoute? best = null;
        foreach (DefaultRoute route in routes)
        {
            if (route.Interface != exceptInterface && route.Interface != "lo" && (best is null || route.Metric < best.Value.Metric))
            {
                best = route;
            }
        }

        return best;
    }

    private static bool IsUsable(string flags) =>
        uint.TryParse(flags, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint bits) && (bits & RouteUp) != 0 && (bits & RouteReject) == 0;

    // A kernel without IPv6 has no table of it.
    private static string[] Lines(string path) => File.Exists(path) ? File.ReadAllLines(path) : [];
}
