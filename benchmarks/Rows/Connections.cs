using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Load;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>Connect, a byte there and back, close; one after the other, or from many threads.</summary>
internal sealed class Connections(int parallel) : IBenchmark
{
    public string Name => $"connections-{parallel}";

    public string Title => parallel == 1 ? "connections, one after the other" : $"connections, {parallel} at a time";

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "/s", true), new("p50", "µs", false), new("p99", "µs", false)];

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        LoadResult result = bench.Ask(contender, string.Create(CultureInfo.InvariantCulture, $"connections {parallel} {bench.Options.Window}"), Name);
        return [result.Rate, result.Median * 1e6, result.P99 * 1e6];
    }
}
