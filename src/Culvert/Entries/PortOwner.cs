using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Culvert.Entries;

/// <summary>Finds out which program listens on a TCP port, to name it in an error.</summary>
internal static class PortOwner
{
    private const string ListenState = "0A";

    /// <summary>A sentence: which program it is, or that it is another one where the system does not tell (it is another user's, say).</summary>
    public static string Describe(int port)
    {
        try
        {
            HashSet<string> sockets = Sockets(port);
            return (sockets.Count > 0 ? Owner(sockets) : null) is { } owner ? $"the port is in use by {owner}." : "the port is in use by another program.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "the port is in use by another program."; // no /proc here
        }
    }

    // Links of descriptors look like "socket:[12345]"; proc(5), /proc/net/tcp: local address in column 1, state in 3, inode in 9.
    private static HashSet<string> Sockets(int port)
    {
        HashSet<string> links = [];
        foreach (string table in (string[])["/proc/net/tcp", "/proc/net/tcp6"])
        {
            foreach (string line in File.Exists(table) ? File.ReadLines(table) : [])
            {
                string[] columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (columns.Length > 9 && columns[3] == ListenState
                    && columns[1].EndsWith(":" + port.ToString("X4", CultureInfo.InvariantCulture), StringComparison.Ordinal))
                {
                    links.Add($"socket:[{columns[9]}]");
                }
            }
        }

        return links;
    }

    private static string? Owner(HashSet<string> links)
    {
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            string number = Path.GetFileName(process);
            if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                continue;
            }

            try
            {
                foreach (string descriptor in Directory.EnumerateFiles(Path.Combine(process, "fd")))
                {
                    if (new FileInfo(descriptor).LinkTarget is { } target && links.Contains(target))
                    {
                        return $"{File.ReadAllText(Path.Combine(process, "comm")).Trim()} (process {number})";
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another user's process, or one that has just ended.
            }
        }

        return null;
    }
}
