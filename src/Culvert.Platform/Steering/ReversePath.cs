using System.IO;
using System.Linq;
using Culvert.Platform.Undo;

namespace Culvert.Platform.Steering;

/// <summary>
/// Strict reverse path filtering drops what comes in by another interface than answers would leave by (RFC 3704 section 2.2): with a tunnel, nearly everything
/// that comes in beside it. The loose form (section 2.4) is enough, and one setting makes all interfaces loose (ip-sysctl.rst, rp_filter: the greater of "all"
/// and the interface's own counts). IPv6 has no such filter.
/// </summary>
internal static class ReversePath
{
    private const string Settings = "/proc/sys/net/ipv4/conf";
    private const string Strict = "1";
    private const string Loose = "2";

    /// <summary>What has to be set before a tunnel works, as a step to undo; null when no interface is strict.</summary>
    public static UndoStep? Needed()
    {
        string all = Read("all");
        return all == Loose || !Directory.EnumerateDirectories(Settings).Any(static directory => Read(Path.GetFileName(directory)) == Strict)
            ? null
            : new UndoStep(UndoKind.Setting, $"net/ipv4/conf/all/rp_filter {all} {Loose}");
    }

    /// <summary>Makes the filter loose.</summary>
    public static void Loosen() => File.WriteAllText($"{Settings}/all/rp_filter", Loose);

    private static string Read(string name) => File.ReadAllText($"{Settings}/{name}/rp_filter").Trim();
}
