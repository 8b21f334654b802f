using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Load;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>The round trip of 100 bytes on one kept connection, with nothing else going on or next to four bulk streams.</summary>
internal sealed class Latency(bool busy) : IBenchmark
{
    public string Name => busy ? "latency-bulk" : "latency";

    public string Title => busy ? "round trip next to four streams down" : "round trip, nothing else going on";

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "µs p50", false), new("p99", "µs", false)];

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        LoadProcess load = bench.Passage(contender).Load;
        if (busy)
        {
            load.Ask("bulk down 4");
        }

        try
        {
            LoadResult result = bench.Ask(contender, string.Create(CultureInfo.InvariantCulture, $"requests 1 {bench.Options.Window}"), Name);
            return [result.Median * 1e6, result.P99 * 1e6];
        }
        finally
        {
            if (busy)
            {
                load.Ask("stop");
            }
        }
    }
}
