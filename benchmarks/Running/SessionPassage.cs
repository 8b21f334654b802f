using System;
using System.Threading;
using Culvert.Bench.Load;

namespace Culvert.Bench.Running;

/// <summary>Both ends of sessions, on the client and on the far side, with nothing but a wire between them.</summary>
internal sealed class SessionPassage : IDisposable
{
    private const string Address = "10.9.1.2";
    private const double WarmUpSeconds = 1;

    private readonly LoadProcess _far;
    private readonly string _mark;

    internal SessionPassage(BenchNetwork network, CancellationToken stop)
    {
        string directory = network.Lab.Work;
        _mark = $"{Environment.ProcessId}-session-far";
        _far = new LoadProcess(network.Far.Namespace, LoadProcess.Command("session-far", Address), _mark, directory, stop);
        try
        {
            Near = new LoadProcess(network.Client.Namespace, LoadProcess.Command("session-near", Address), $"{Environment.ProcessId}-session-near", directory, stop);
            _far.Ready();
            Near.Ready();
            Near.Ask($"key {_far.Ask("key")}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The near end, which takes orders.</summary>
    internal LoadProcess Near { get; } = null!;

    /// <summary>Resident memory of the gateway, in MB.</summary>
    internal double FarMegabytes => CpuTimes.ResidentMegabytes(MarkedProcesses.Find(_mark, load: true));

    /// <summary>What orders call the contender.</summary>
    internal static string By(Contender contender) => contender.IsSession ? "vshp" : "plain";

    /// <summary>Has both ways compiled and sized.</summary>
    internal void WarmUp(string by, CancellationToken stop)
    {
        foreach (string way in (string[])["up", "down"])
        {
            Near.Ask($"bulk {by} {way} 4");
            Pause(WarmUpSeconds, stop);
            Near.Ask("stop");
        }

        Near.Ask($"echo {by} 0.5", WarmUpSeconds);
    }

    /// <summary>Bytes a second that arrive, and CPU seconds of the machine for each byte.</summary>
    internal (double Rate, double Cpu) Observe(string by, bool up, int streams, double warm, double window, CancellationToken stop)
    {
        LoadProcess counting = up ? _far : Near;
        Near.Ask($"bulk {by} {(up ? "up" : "down")} {streams}");
        try
        {
            Pause(warm, stop);
            CpuTimes cpuBefore = CpuTimes.Read([]);
            Counters before = counting.Count();
            Pause(window, stop);
            Counters after = counting.Count();
            CpuTimes cpuAfter = CpuTimes.Read([]);
            long bytes = after.Bytes - before.Bytes;
            return bytes > 0 ? (bytes / (after.Seconds - before.Seconds), (cpuAfter.Host - cpuBefore.Host) / bytes) : throw new BenchException("not a byte arrived in the window");
        }
        finally
        {
            Near.Ask("stop");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Near?.Dispose();
        _far.Dispose();
    }

    private static void Pause(double seconds, CancellationToken stop)
    {
        if (stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(seconds)))
        {
            throw new OperationCanceledException(stop);
        }
    }
}
