using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Load;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>The round trip of 100 bytes on one kept connection, with nothing else going on or next to four bulk streams.</summary>
internal sealed class Latency(Latency.Beside beside) : IBenchmark
{
    /// <summary>What else goes on.</summary>
    internal enum Beside
    {
        /// <summary>Nothing.</summary>
        Nothing,

        /// <summary>Four streams from the far side.</summary>
        BulkDown,

        /// <summary>Four streams to the far side.</summary>
        BulkUp,
    }

    public string Name => beside switch { Beside.BulkDown => "latency-bulk-down", Beside.BulkUp => "latency-bulk-up", _ => "latency" };

    public string Title => beside switch
    {
        Beside.BulkDown => "round trip next to four streams down",
        Beside.BulkUp => "round trip next to four streams up",
        _ => "round trip, nothing else going on",
    };

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "µs p50", false), new("p99", "µs", false)];

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        LoadProcess load = bench.Passage(contender).Load;
        if (beside != Beside.Nothing)
        {
            load.Ask(beside == Beside.BulkDown ? "bulk down 4" : "bulk up 4");
        }

        try
        {
            LoadResult result = bench.Ask(contender, string.Create(CultureInfo.InvariantCulture, $"requests 1 {bench.Options.Window}"), Name);
            return [result.Median * 1e6, result.P99 * 1e6];
        }
        finally
        {
            if (beside != Beside.Nothing)
            {
                load.Ask("stop");
            }
        }
    }
}
