using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Load;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>100 bytes there and 100 back on kept connections: how many a second from fifty.</summary>
internal sealed class Requests : IBenchmark
{
    private const int Parallel = 50;

    public string Name => "requests";

    public string Title => $"requests of 100 bytes, {Parallel} connections";

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "/s", true), new("p99", "µs", false)];

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        LoadResult result = bench.Ask(contender, string.Create(CultureInfo.InvariantCulture, $"requests {Parallel} {bench.Options.Window}"), Name);
        return [result.Rate, result.P99 * 1e6];
    }
}
