using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Culvert.Bench.Running;

/// <summary>The processes of a passage: whoever carries its mark in the environment, daemons included.</summary>
internal static class MarkedProcesses
{
    /// <summary>All of them, except the load programs where <paramref name="load"/> is false.</summary>
    internal static IReadOnlyList<int> Find(string mark, bool load)
    {
        string wanted = $"{LoadProcess.Mark}={mark}\0";
        List<int> found = [];
        foreach (string directory in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(path[^1])))
        {
            try
            {
                if (File.ReadAllText($"{directory}/environ").Contains(wanted, StringComparison.Ordinal)
                    && (load || !File.ReadAllText($"{directory}/cmdline").Contains("\0--load\0", StringComparison.Ordinal) || IsTunnel(directory)))
                {
                    found.Add(int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture));
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked.
            }
        }

        return found;
    }

    /// <summary>Ends all of them.</summary>
    internal static void Kill(string mark)
    {
        foreach (int id in Find(mark, load: true))
        {
            try
            {
                using Process process = Process.GetProcessById(id);
                process.Kill();
                process.WaitForExit(2000);
            }
            catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
            {
                // It ended by itself.
            }
        }
    }

    /// <summary>A tunnel's command line contains that of the load program it carries, behind its own words.</summary>
    private static bool IsTunnel(string directory)
    {
        string[] words = File.ReadAllText($"{directory}/cmdline").Split('\0');
        return Array.IndexOf(words, "--load") != 2;
    }
}
