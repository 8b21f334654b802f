using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Culvert.Bench.Load;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>
/// Short connections by the hundred thousand, in stretches by turns one after the other and many at a time; after each the tunnel's resident memory is looked at. Whether it
/// grows is told by a straight line through the second half of what was seen, when everything has found its size.
/// </summary>
internal sealed class Churn : IBenchmark
{
    private const int Parallel = 50;
    private const double StretchSeconds = 2.5;
    private const double LimitSeconds = 600;

    /// <summary>Growth over the second half, as the line has it, that counts as none: a share of the memory in its middle.</summary>
    private const double Tolerance = 0.05;

    public string Name => "churn";

    public string Title => "resident memory before many short connections";

    public bool OnRequest => true;

    public IReadOnlyList<Metric> Metrics { get; } =
    [
        new("", "MB", false, 1),
        new("at most", "MB", false, 1),
        new("at the end", "MB", false, 1),
        new("slope of the second half", "MB/million", false, 2),
        new("descriptors before", "", false),
        new("descriptors at the end", "", false),
        new("connections", "", true),
        new("rate over all", "/s", true),
    ];

    public int Rounds(int asked) => 1;

    public bool Covers(Contender contender) => contender.Name == "run";

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        using Passage fresh = bench.Fresh(contender);
        fresh.WarmUp(bench.Stop);
        int descriptors = fresh.Descriptors;
        List<(double Connections, double Megabytes)> seen = [(0, fresh.ResidentMegabytes)];
        long start = Stopwatch.GetTimestamp();
        long done = 0;
        long failed = 0;
        for (int stretch = 0; done < bench.Options.Churn && Stopwatch.GetElapsedTime(start).TotalSeconds < LimitSeconds; stretch++)
        {
            bench.Stop.ThrowIfCancellationRequested();
            string order = string.Create(CultureInfo.InvariantCulture, $"connections {(stretch % 2 == 0 ? 1 : Parallel)} {StretchSeconds}");
            LoadResult result = LoadResult.Parse(fresh.Load.Ask(order, StretchSeconds));
            done += result.Count;
            failed += result.Failures;
            seen.Add((done, fresh.ResidentMegabytes));
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        List<(double Connections, double Megabytes)> half = seen[(seen.Count / 2)..];
        double slope = Slope(half);
        double grown = slope * (half[^1].Connections - half[0].Connections);
        bool grows = grown > Tolerance * half.Average(point => point.Megabytes);
        bench.Note(this, contender, string.Create(CultureInfo.InvariantCulture, $"{done:N0} connections in {seconds:F0} s, {failed:N0} failed; {(grows ? "MEMORY GROWS" : "no growth")}: {grown:+0.0;-0.0;0.0} MB over the second half, by a line through {half.Count} looks"));
        return [seen[0].Megabytes, seen.Max(point => point.Megabytes), seen[^1].Megabytes, slope * 1e6, descriptors, fresh.Descriptors, done, done / seconds];
    }

    /// <summary>Least squares: megabytes a connection; 0 where there are too few points for a line.</summary>
    private static double Slope(List<(double Connections, double Megabytes)> points)
    {
        double x = points.Average(point => point.Connections);
        double y = points.Average(point => point.Megabytes);
        double width = points.Sum(point => Math.Pow(point.Connections - x, 2));
        return width == 0 ? 0 : points.Sum(point => (point.Connections - x) * (point.Megabytes - y)) / width;
    }
}
