using System;
using System.Globalization;
using System.IO;

namespace Culvert.Platform.Linux;

/// <summary>This process as the kernel sees it: masks of /proc/self/status (proc(5)).</summary>
internal static class ProcessStatus
{
    private const ulong NetworkAdministration = 1UL << 12;
    private const ulong SystemAdministration = 1UL << 21;

    /// <summary>Whether namespaces and interfaces can be made without a user namespace.</summary>
    public static bool MayMakeNamespaces =>
        Interop.Libc.geteuid() == 0
        && (Mask("CapEff:") & (NetworkAdministration | SystemAdministration)) == (NetworkAdministration | SystemAdministration);

    /// <summary>Whether a signal is ignored, as nohup and non-interactive shells leave some to their children.</summary>
    public static bool Ignores(int signal) => (Mask("SigIgn:") & (1UL << (signal - 1))) != 0;

    private static ulong Mask(string field)
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith(field, StringComparison.Ordinal))
            {
                return ulong.Parse(line.AsSpan(field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException($"/proc/self/status has no {field}");
    }
}
