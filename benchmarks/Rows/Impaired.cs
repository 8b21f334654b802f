using System;
using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Running;
using Culvert.Tests.Lab;

namespace Culvert.Bench.Rows;

/// <summary>One stream over a path with delay, loss and a rate.</summary>
internal sealed class Impaired(bool up, int roundTripMilliseconds, double lossPercent, int megabits) : IBenchmark
{
    /// <summary>How much longer than usual the window is with losses, whose luck has to even out.</summary>
    private const double LossyWindow = 3;

    /// <summary>Round trips until the path is full: slow start, and what a wide buffer has to drain after it.</summary>
    private const double WarmRoundTrips = 30;

    public string Name => string.Create(CultureInfo.InvariantCulture, $"path-{(up ? "up" : "down")}-{roundTripMilliseconds}ms-{lossPercent}");

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{(up ? "up" : "down")}, {megabits} Mbit/s, {roundTripMilliseconds} ms, {lossPercent} % loss");

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "Mbit/s", true, 1), new("of the wire", "share", true, 2)];

    /// <summary>A third of the others', since each takes long and its path is the same every time.</summary>
    public int Rounds(int asked) => (asked + 2) / 3;

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
        // Without loss whole super-segments pass, which leaves the processors to what is measured; with it every packet has a fate of its own.
        using Impairer impairer = new(bench.Network.Lab, bench.Network.Far, impairment, largeSegments: lossPercent == 0);
        bench.Network.ChooseCongestion(bench.Network.Far);
        bench.Network.WidenBuffers(true);
        passage.Aim(impairer.V4);
        try
        {
            double warm = bench.Options.Warm + (roundTripMilliseconds * WarmRoundTrips / 1000);
            double window = bench.Options.Window * (lossPercent > 0 ? LossyWindow : 2);
            Passage.Flow flow = passage.Observe($"bulk {(up ? "up" : "down")} 1", up, warm, window, bench.Stop);
            double rate = flow.Bytes * 8 / flow.Seconds / 1e6;
            return [rate, rate / megabits];
        }
        finally
        {
            passage.Aim(BenchNetwork.Target);
            bench.Network.WidenBuffers(false);
        }
    }
}
