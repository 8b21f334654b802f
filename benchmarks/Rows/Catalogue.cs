using System;
using System.Collections.Generic;
using System.Linq;

namespace Culvert.Bench.Rows;

/// <summary>The one list of benchmarks.</summary>
internal static class Catalogue
{
    internal static readonly IReadOnlyList<IBenchmark> All =
    [
        new Throughput(up: true, 1),
        new Throughput(up: false, 1),
        new Throughput(up: true, 4),
        new Throughput(up: false, 4),
        new SlowReader(),
        new Connections(1),
        new Connections(50),
        new Requests(),
        new Latency(Latency.Beside.Nothing),
        new Latency(Latency.Beside.BulkDown),
        new Latency(Latency.Beside.BulkUp),
        new Page(),
        new Datagrams(64),
        new Datagrams(1400),
        new StartUp(),
        new Memory(),
        new Impaired(up: false, 40, 0, 1000),
        new Impaired(up: true, 40, 0, 1000),
        new Impaired(up: false, 40, 0.1, 1000),
        new Impaired(up: true, 40, 0.1, 1000),
        new Impaired(up: false, 200, 0, 200),
        new Impaired(up: true, 200, 0, 200),
        new Impaired(up: false, 0, 1, 200),
        new Impaired(up: false, 20, 2, 200),
        new Impaired(up: true, 20, 2, 200),
        new SessionThroughput(up: true, 1),
        new SessionThroughput(up: false, 1),
        new SessionThroughput(up: true, 16),
        new SessionThroughput(up: false, 16),
        new SessionEcho(up: false),
        new SessionEcho(up: true),
        new SessionMemory(),
        new SessionRest(),
        new Churn(),
    ];

    /// <summary>The benchmarks of some names or beginnings of names (<c>tcp</c> is all that begin so); for none, all but those on request.</summary>
    internal static IReadOnlyList<IBenchmark> Choose(IReadOnlyList<string> names) =>
        names.Count == 0 ? [.. All.Where(benchmark => !benchmark.OnRequest)] : [.. All.Where(benchmark => names.Any(name => benchmark.Name == name || benchmark.Name.StartsWith(name, StringComparison.Ordinal)))];
}
