using System;
using System.Globalization;
using System.IO;

namespace Culvert.Platform.Network;

/// <summary>What has gone through an interface, read from /proc/net/dev (proc(5)).</summary>
/// <param name="Received">Bytes that came to this machine; of a tunnel's link, what was downloaded.</param>
/// <param name="Sent">Bytes that left this machine; of a tunnel's link, what was uploaded.</param>
public readonly record struct LinkCounters(long Received, long Sent)
{
    /// <summary>The counters of interface <paramref name="name"/>; false when there is none.</summary>
    public static bool TryRead(string name, out LinkCounters counters) => TryParse(File.ReadAllLines("/proc/net/dev"), name, out counters);

    internal static bool TryParse(string[] lines, string name, out LinkCounters counters)
    {
        foreach (string line in lines)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line.AsSpan(0, colon).Trim().SequenceEqual(name))
            {
                string[] fields = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length >= 9
                    && long.TryParse(fields[0], CultureInfo.InvariantCulture, out long received)
                    && long.TryParse(fields[8], CultureInfo.InvariantCulture, out long sent))
                {
                    counters = new LinkCounters(received, sent);
                    return true;
                }
            }
        }

        counters = default;
        return false;
    }
}
