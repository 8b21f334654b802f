using System.Collections.Generic;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>Bytes down on one connection while four others are sent to as well and read nothing: to be compared with the same without them.</summary>
internal sealed class SlowReader : IBenchmark
{
    public string Name => "slow-reader";

    public string Title => "TCP down, 1 stream next to 4 unread";

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "Gbit/s", true, 2)];

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        Passage passage = bench.Passage(contender);
        passage.Load.Ask("stall 4");
        // Observe stops the load, with what stalls.
        Passage.Flow flow = passage.Observe("bulk down 1", up: false, bench.Options.Warm, bench.Options.Window, bench.Stop);
        return [flow.Bytes * 8 / flow.Seconds / 1e9];
    }
}
