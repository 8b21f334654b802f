using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Load;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>The round trip of 100 bytes on one stream of a session, and the same next to four bulk streams of it.</summary>
internal sealed class SessionEcho(bool up) : IBenchmark
{
    private const int Beside = 4;

    public string Name => $"vshp-latency-{(up ? "up" : "down")}";

    public string Title => $"VSHP round trip, idle (raw: TLS)";

    public IReadOnlyList<Metric> Metrics { get; } =
    [
        new("", "µs p50", false),
        new("p99", "µs", false),
        new($"next to four streams {(up ? "up" : "down")}", "µs p50", false),
        new($"p99 next to four streams {(up ? "up" : "down")}", "µs", false),
        new("p99, times idle", "", false, 1),
    ];

    public bool Covers(Contender contender) => contender.IsRaw || contender.IsSession;

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        string by = SessionPassage.By(contender);
        LoadProcess near = bench.Session(contender).Near;
        LoadResult idle = Ask();
        near.Ask($"bulk {by} {(up ? "up" : "down")} {Beside}");
        try
        {
            LoadResult busy = Ask();
            return [idle.Median * 1e6, idle.P99 * 1e6, busy.Median * 1e6, busy.P99 * 1e6, busy.P99 / idle.P99];
        }
        finally
        {
            near.Ask("stop");
        }

        LoadResult Ask() => LoadResult.Parse(near.Ask(string.Create(CultureInfo.InvariantCulture, $"echo {by} {bench.Options.Window}"), bench.Options.Window));
    }
}
