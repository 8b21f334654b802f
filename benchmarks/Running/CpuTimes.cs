using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Culvert.Bench.Running;

/// <summary>CPU time spent so far.</summary>
/// <param name="Tunnel">Seconds of the tunnel's processes, user and system.</param>
/// <param name="Host">Seconds that the whole machine was not idle, interrupts and stolen time included.</param>
internal readonly record struct CpuTimes(double Tunnel, double Host)
{
    private const double TicksPerSecond = 100;

    /// <summary>Reads the clocks now.</summary>
    internal static CpuTimes Read(IReadOnlyList<int> tunnel) => new(tunnel.Sum(OfProcess), OfHost());

    /// <summary>Resident memory of processes, in MB (10^6 bytes).</summary>
    internal static double ResidentMegabytes(IReadOnlyList<int> processes) => processes.Sum(id => Read($"/proc/{id}/status", text =>
    {
        string? line = text.Split('\n').FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line[6..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024 / 1e6;
    }));

    private static double OfProcess(int id) => Read($"/proc/{id}/stat", text =>
    {
        string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (Number(fields[11]) + Number(fields[12])) / TicksPerSecond;
    });

    private static double OfHost() => Read("/proc/stat", text =>
    {
        string[] fields = text[..text.IndexOf('\n', StringComparison.Ordinal)].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // user nice system [idle iowait] irq softirq steal; guest time is part of user.
        return ((int[])[1, 2, 3, 6, 7, 8]).Sum(index => Number(fields[index])) / TicksPerSecond;
    });

    private static double Read(string path, Func<string, double> parse)
    {
        try
        {
            return parse(File.ReadAllText(path));
        }
        catch (IOException)
        {
            // The process has ended; what fails because of that says so itself.
            return 0;
        }
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
