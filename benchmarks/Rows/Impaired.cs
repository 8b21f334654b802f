using System;
using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Running;
using Culvert.Tests.Lab;

namespace Culvert.Bench.Rows;

/// <summary>One stream over a path with delay, loss and a rate.</summary>
internal sealed class Impaired(bool up, int roundTripMilliseconds, double lossPercent, int megabits) : IBenchmark
{
    public string Name => string.Create(CultureInfo.InvariantCulture, $"path-{(up ? "up" : "down")}-{roundTripMilliseconds}ms-{lossPercent}");

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{(up ? "up" : "down")}, {megabits} Mbit/s, {roundTripMilliseconds} ms, {lossPercent} % loss");

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "Mbit/s", true, 1)];

    public int Rounds(int asked) => 1;

    public bool Covers(Contender contender) => contender.IsRaw || contender.Name is "run" or "proxy";

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        Passage passage = bench.Passage(contender);
        // Each way half the delay, and the same fate for the n-th packet whoever sends it.
        Impairment impairment = new()
        {
            Delay = TimeSpan.FromMilliseconds(roundTripMilliseconds / 2.0),
            Loss = lossPercent / 100,
            Rate = megabits * 1_000_000L,
            Queue = Math.Max(256 * 1024, megabits * 1_000_000 / 8 / 1000 * roundTripMilliseconds),
        };
        using Impairer impairer = new(bench.Network.Lab, bench.Network.Far, impairment);
        passage.Aim(impairer.V4);
        try
        {
            // Slow start takes some round trips until the path is full.
            double warm = bench.Options.Warm + (roundTripMilliseconds * 0.012);
            Passage.Flow flow = passage.Observe($"bulk {(up ? "up" : "down")} 1", up, warm, bench.Options.Window * 2, bench.Stop);
            return [flow.Bytes * 8 / flow.Seconds / 1e6];
        }
        finally
        {
            passage.Aim(BenchNetwork.Target);
        }
    }
}
