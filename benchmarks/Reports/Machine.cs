using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Culvert.Bench.Running;
using Culvert.Tests.Lab;

namespace Culvert.Bench.Reports;

/// <summary>What a run was made on, and with.</summary>
internal sealed class Machine
{
    private const double BusyShare = 0.2;
    private const double LookSeconds = 0.5;

    private Machine(IReadOnlyList<(string Name, string Value)> facts) => Facts = facts;

    internal IReadOnlyList<(string Name, string Value)> Facts { get; }

    /// <summary>A sentence for the reader when other work was going on before the bench began, else null: its figures compare less well then.</summary>
    internal string? Busy { get; private init; }

    internal static Machine Describe(string root, string congestion)
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) ?? RuntimeInformation.ProcessArchitecture.ToString();
        string commit = LabNetwork.System($"git -C '{root}' describe --always --dirty 2>/dev/null || echo unknown").Trim();
        return new Machine(
        [
            ("processor", $"{Environment.ProcessorCount} x {model[(model.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()}"),
            ("kernel", File.ReadAllText("/proc/sys/kernel/osrelease").Trim()),
            ("congestion control", congestion),
            (".NET", Environment.Version.ToString()),
            ("Culvert", $"{typeof(Machine).Assembly.GetName().Version?.ToString(3)} ({commit})"),
            ("date", DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
        ])
        { Busy = DescribeLoad() };
    }

    private static string? DescribeLoad()
    {
        // Not the load average: it still knows of an earlier run minutes later.
        double before = CpuTimes.Read([]).Host;
        Thread.Sleep(TimeSpan.FromSeconds(LookSeconds));
        double share = (CpuTimes.Read([]).Host - before) / LookSeconds / Environment.ProcessorCount;
        return share > BusyShare
            ? string.Create(CultureInfo.InvariantCulture, $"the machine was {share * 100:F0} % busy with other work before the start: throughput and its ratios are not to be trusted, and CPU of the machine includes the others'")
            : null;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", Facts.Select(fact => fact.Name is "date" or "processor" ? fact.Value : $"{fact.Name} {fact.Value}")) + ".";
}
