using System.Collections.Generic;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>Datagrams of one size, sent as fast as they go; those that arrive are counted.</summary>
internal sealed class Datagrams(int size) : IBenchmark
{
    public string Name => $"udp-{size}";

    public string Title => $"UDP up, {size} bytes, received";

    public IReadOnlyList<Metric> Metrics { get; } =
    [
        new("", "packets/s", true),
        new("CPU of the tunnel", "µs/packet", false, 2),
    ];

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        Passage.Flow flow = bench.Passage(contender).Observe($"flood {size}", up: true, bench.Options.Warm, bench.Options.Window, bench.Stop);
        return flow.Datagrams > 0
            ? [flow.Datagrams / flow.Seconds, flow.HasTunnel ? flow.TunnelCpu * 1e6 / flow.Datagrams : null]
            : throw new BenchException("not a datagram arrived in the window");
    }
}
