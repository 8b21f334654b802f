using System.Collections.Generic;
using System.Globalization;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>Resident memory of a fresh tunnel: idle, and with many idle flows.</summary>
internal sealed class Memory : IBenchmark
{
    private static readonly int[] Steps = [1_000, 5_000, 10_000];

    public string Name => "memory";

    public string Title => "resident memory, idle";

    public IReadOnlyList<Metric> Metrics { get; } =
    [
        new("", "MB", false, 1),
        new("1,000 flows", "MB", false, 1),
        new("5,000 flows", "MB", false, 1),
        new("10,000 flows", "MB", false, 1),
    ];

    public int Rounds(int asked) => 1;

    public bool Covers(Contender contender) => !contender.IsRaw && !contender.IsSession;

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        bench.Release();
        using Passage fresh = bench.Fresh(contender);
        // One flow there and back, so that what idles is a tunnel that has worked.
        fresh.Load.Ask("hold 1");
        List<double?> numbers = [fresh.ResidentMegabytes];
        if (numbers[0] == 0)
        {
            throw new BenchException("it has no process of its own");
        }

        // The far side's SOCKS server spends a thread and two descriptors on a connection, and many a system does not grant that ten thousand times.
        foreach (int step in contender.UsesFarSocks ? Steps[..^1] : Steps)
        {
            try
            {
                fresh.Load.Ask(string.Create(CultureInfo.InvariantCulture, $"hold {step}"), 20);
                numbers.Add(fresh.ResidentMegabytes);
            }
            catch (BenchException exception)
            {
                bench.Note(this, contender, exception.Message);
                break;
            }
        }

        bench.Release();
        return numbers;
    }
}
