using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Load;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>What a browser does: 200 resources of 1 to 60 kB over six new connections.</summary>
internal sealed class Page : IBenchmark
{
    public string Name => "page";

    public string Title => "page of 200 resources, 6 connections";

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "ms", false, 1)];

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        LoadResult result = bench.Ask(contender, string.Create(CultureInfo.InvariantCulture, $"pages {bench.Options.Window}"), Name);
        return [result.Median * 1e3];
    }
}
