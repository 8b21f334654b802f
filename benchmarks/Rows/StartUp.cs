using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using Culvert.Bench.Load;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>From nothing to the first byte: a shell that connects and reads one byte, started through the contender.</summary>
internal sealed class StartUp : IBenchmark
{
    private const int Times = 3;

    public string Name => "start";

    public string Title => "start to first byte";

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "ms", false)];

    public bool Covers(Contender contender) => contender.Carries;

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender) => [Enumerable.Range(0, Times).Select(_ => Once(bench, contender)).Order().ElementAt(Times / 2)];

    private static double Once(Bench bench, Contender contender)
    {
        bench.Stop.ThrowIfCancellationRequested();
        string[] program = ["bash", "-c", $"exec 3<>/dev/tcp/{BenchNetwork.Target}/{LoadPorts.Hold} && head -c 1 <&3 >/dev/null && echo '{LoadProgram.Good}ready'"];
        using Premises premises = new(contender, bench.Network, bench.Stop);
        long start = Stopwatch.GetTimestamp();
        using LoadProcess process = bench.Run(contender, program, premises);
        process.Ready();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
