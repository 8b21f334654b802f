using System.Collections.Generic;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>Bytes in one direction on streams of one session, next to as many TLS connections.</summary>
internal sealed class SessionThroughput(bool up, int streams) : IBenchmark
{
    public string Name => $"vshp-{(up ? "up" : "down")}-{streams}";

    public string Title => $"VSHP {(up ? "up" : "down")}, {streams} stream{(streams == 1 ? "" : "s")} (raw: TLS)";

    public IReadOnlyList<Metric> Metrics { get; } =
    [
        new("", "Gbit/s", true, 2),
        new("CPU of the machine", "s/GB", false, 2),
    ];

    public bool Covers(Contender contender) => contender.IsRaw || contender.IsSession;

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        (double rate, double cpu) = bench.Session(contender).Observe(SessionPassage.By(contender), up, streams, bench.Options.Warm, bench.Options.Window, bench.Stop);
        return [rate * 8 / 1e9, cpu * 1e9];
    }
}
