using System.Collections.Generic;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>Bytes in one direction on some connections, and what they cost.</summary>
internal sealed class Throughput(bool up, int streams) : IBenchmark
{
    public string Name => $"tcp-{(up ? "up" : "down")}-{streams}";

    public string Title => $"TCP {(up ? "up" : "down")}, {streams} stream{(streams == 1 ? "" : "s")}";

    public IReadOnlyList<Metric> Metrics { get; } =
    [
        new("", "Gbit/s", true, 2),
        new("CPU of the tunnel", "s/GB", false, 2),
        new("CPU of the machine", "s/GB", false, 2),
    ];

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        Passage.Flow flow = bench.Passage(contender).Observe($"bulk {(up ? "up" : "down")} {streams}", up, bench.Options.Warm, bench.Options.Window, bench.Stop);
        if (flow.Bytes == 0)
        {
            throw new BenchException("not a byte arrived in the window");
        }

        double gigabytes = flow.Bytes / 1e9;
        return [gigabytes * 8 / flow.Seconds, flow.HasTunnel ? flow.TunnelCpu / gigabytes : null, flow.HostCpu / gigabytes];
    }
}
