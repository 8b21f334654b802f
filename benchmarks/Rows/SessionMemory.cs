using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>Resident memory of a fresh gateway: with a session that has worked, and with many streams open in it.</summary>
internal sealed class SessionMemory : IBenchmark
{
    private static readonly int[] Steps = [1, 1_000, 10_000];

    public string Name => "vshp-memory";

    public string Title => "VSHP, resident memory of the gateway";

    public IReadOnlyList<Metric> Metrics { get; } =
    [
        new("", "MB", false, 1),
        new("1,000 streams", "MB", false, 1),
        new("10,000 streams", "MB", false, 1),
    ];

    public int Rounds(int asked) => 1;

    public bool Covers(Contender contender) => contender.IsSession;

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        using SessionPassage fresh = new(bench.Network, bench.Stop);
        List<double?> numbers = [];
        foreach (int step in Steps)
        {
            fresh.Near.Ask(string.Create(CultureInfo.InvariantCulture, $"hold {step}"), 60);
            numbers.Add(fresh.FarMegabytes);
        }

        return numbers;
    }
}
