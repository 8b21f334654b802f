using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Culvert.Bench.Running;
using Culvert.Tests.Lab;

namespace Culvert.Bench.Rows;

/// <summary>What a session at rest says in eleven minutes, with streams open in it: TCP segments both ways, acknowledgments included.</summary>
internal sealed class SessionRest : IBenchmark
{
    private const double Settle = 10;
    private const double Minutes = 11; // two heartbeats at least

    public string Name => "vshp-rest";

    public string Title => "VSHP at rest";

    public bool OnRequest => true;

    public IReadOnlyList<Metric> Metrics { get; } = [new("", "packets/min", false, 2)];

    public int Rounds(int asked) => 1;

    public bool Covers(Contender contender) => contender.IsSession;

    public IReadOnlyList<double?> Measure(Bench bench, Contender contender)
    {
        using SessionPassage fresh = new(bench.Network, bench.Stop);
        fresh.Near.Ask("hold 10");
        Pause(Settle);
        long before = Segments(bench.Network.Client);
        Pause(Minutes * 60);
        return [(Segments(bench.Network.Client) - before) / Minutes];

        void Pause(double seconds)
        {
            if (bench.Stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(seconds)))
            {
                throw new OperationCanceledException(bench.Stop);
            }
        }
    }

    /// <summary>TCP segments in and out of a host so far, on all of its connections (<c>/proc/net/snmp</c>).</summary>
    private static long Segments(Host host)
    {
        string[][] lines = [.. LabNetwork.System($"ip netns exec {host.Namespace} cat /proc/net/snmp").Split('\n').Where(static l => l.StartsWith("Tcp:", StringComparison.Ordinal)).Select(static l => l.Split(' '))];
        return Value("InSegs") + Value("OutSegs");

        long Value(string name) => long.Parse(lines[1][Array.IndexOf(lines[0], name)], CultureInfo.InvariantCulture);
    }
}
