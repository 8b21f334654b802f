using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading;
using Culvert.Bench.Load;
using Culvert.Tests.Lab;

namespace Culvert.Bench.Running;

/// <summary>A contender that runs, with a load program behind it.</summary>
internal sealed class Passage : IDisposable
{
    private static readonly TimeSpan ListenLimit = TimeSpan.FromSeconds(20);
    private const double WarmUpSeconds = 0.6;
    private readonly LoadProcess? _proxy;
    private readonly LoadProcess _server;
    private readonly Premises _premises;

    /// <summary>Starts it. <paramref name="server"/> is the load server that it will reach.</summary>
    internal Passage(Contender contender, BenchNetwork network, LoadProcess server, CancellationToken stop)
    {
        _server = server;
        _premises = new Premises(contender, network, stop);
        string space = _premises.Host.Namespace;
        IPEndPoint proxy = _premises.Proxy;
        if (contender.Carries)
        {
            Load = new LoadProcess(space, contender.CommandFor(LoadProcess.Command("client", network.Congestion), proxy, _premises.Directory), _premises.Mark, _premises.Directory, stop);
        }
        else
        {
            _proxy = new LoadProcess(space, contender.CommandFor([], proxy, _premises.Directory), _premises.Mark, _premises.Directory, stop);
            try
            {
                WaitForListener(_premises.Host, proxy.Port, _proxy);
            }
            catch
            {
                _proxy.Dispose();
                _premises.Dispose();
                throw;
            }

            Load = new LoadProcess(space, LoadProcess.Command("client", network.Congestion, proxy.ToString()), _premises.Mark, _premises.Directory, stop);
        }

        try
        {
            Load.Ready();
            Aim(BenchNetwork.Target);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The load program at the near end.</summary>
    internal LoadProcess Load { get; }

    /// <summary>Resident memory of the tunnel, in MB.</summary>
    internal double ResidentMegabytes => CpuTimes.ResidentMegabytes(MarkedProcesses.Find(_premises.Mark, load: false));

    /// <summary>Descriptors that the tunnel's processes have open.</summary>
    internal int Descriptors => MarkedProcesses.Find(_premises.Mark, load: false).Sum(id => Directory.GetFiles($"/proc/{id}/fd").Length);

    /// <summary>Says where the load goes from now on.</summary>
    internal void Aim(IPAddress target) => Load.Ask($"target {target}");

    /// <summary>
    /// Measures while the load runs in the background: after <paramref name="warm"/> seconds, for <paramref name="window"/> seconds.
    /// What counts is what arrived: at the far side when <paramref name="up"/>, else at the near side.
    /// </summary>
    internal Flow Observe(string order, bool up, double warm, double window, CancellationToken stop)
    {
        IReadOnlyList<int> tunnel = MarkedProcesses.Find(_premises.Mark, load: false);
        LoadProcess counting = up ? _server : Load;
        Load.Ask(order);
        try
        {
            Pause(warm, stop);
            CpuTimes cpuBefore = CpuTimes.Read(tunnel);
            Counters before = counting.Count();
            Pause(window, stop);
            Counters after = counting.Count();
            CpuTimes cpuAfter = CpuTimes.Read(tunnel);
            return new Flow(after.Bytes - before.Bytes, after.Datagrams - before.Datagrams, after.Seconds - before.Seconds, cpuAfter.Tunnel - cpuBefore.Tunnel, cpuAfter.Host - cpuBefore.Host, tunnel.Count > 0);
        }
        finally
        {
            Load.Ask("stop");
        }
    }

    /// <summary>
    /// Has the tunnel compile and size what it needs, by some of every kind of load: measured cold, a third of its time goes to the compiler.
    /// </summary>
    internal void WarmUp(CancellationToken stop)
    {
        foreach (string order in (string[])["bulk up 4", "bulk down 4", "flood 64"])
        {
            try
            {
                Load.Ask(order);
                Pause(WarmUpSeconds, stop);
                Load.Ask("stop");
            }
            catch (BenchException) when (order.StartsWith("flood", StringComparison.Ordinal))
            {
                // Not all of them carry UDP; the benchmark of it says so where it belongs.
            }
        }

        foreach (string order in (string[])["connections 50", "requests 50"])
        {
            Load.Ask(string.Create(CultureInfo.InvariantCulture, $"{order} {WarmUpSeconds}"), WarmUpSeconds);
        }

        Load.Ask(string.Create(CultureInfo.InvariantCulture, $"pages {WarmUpSeconds}"), WarmUpSeconds);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Load.Dispose();
        _proxy?.Dispose();
        _premises.Dispose();
    }

    private static void WaitForListener(Host host, int port, LoadProcess proxy)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < ListenLimit;)
        {
            try
            {
                host.WaitForListener(port, limit: TimeSpan.FromMilliseconds(100));
                return;
            }
            catch (TimeoutException)
            {
                // It may have said why by now.
                proxy.ThrowIfEnded();
            }
        }

        throw new BenchException($"it did not listen on its port within {ListenLimit.TotalSeconds} s");
    }

    private static void Pause(double seconds, CancellationToken stop)
    {
        if (stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(seconds)))
        {
            throw new OperationCanceledException(stop);
        }
    }

    /// <summary>What was seen in one window.</summary>
    /// <param name="Bytes">Bytes of TCP payload that arrived.</param>
    /// <param name="Datagrams">Datagrams that arrived.</param>
    /// <param name="Seconds">How long the window was.</param>
    /// <param name="TunnelCpu">CPU seconds of the tunnel.</param>
    /// <param name="HostCpu">CPU seconds of the machine.</param>
    /// <param name="HasTunnel">False when there is no tunnel process whose time could be told.</param>
    internal readonly record struct Flow(long Bytes, long Datagrams, double Seconds, double TunnelCpu, double HostCpu, bool HasTunnel);
}
