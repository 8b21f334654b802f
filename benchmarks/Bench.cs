using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Threading;
using Culvert.Bench.Load;
using Culvert.Bench.Reports;
using Culvert.Bench.Rows;
using Culvert.Bench.Running;

namespace Culvert.Bench;

/// <summary>One run: the network, the far side, the contenders as they are needed, and the results so far.</summary>
internal sealed class Bench : IDisposable
{
    private const string DoesNotStart = "it did not start before, and is not tried again";

    private readonly Dictionary<Contender, Passage> _passages = [];
    private readonly HashSet<Contender> _broken = [];
    private readonly HashSet<Contender> _warm = [];
    private readonly LoadProcess _server;
    private readonly LoadProcess _socks;
    private SessionPassage? _session;

    internal Bench(Options options, CancellationToken stop)
    {
        Options = options;
        Stop = stop;
        Network = new BenchNetwork(options.Congestion);
        try
        {
            string directory = Network.Lab.Work;
            _server = new LoadProcess(Network.Far.Namespace, LoadProcess.Command("server"), $"{Environment.ProcessId}-server", directory, stop);
            _socks = new LoadProcess(Network.Exit.Namespace, LoadProcess.Command("socks", BenchNetwork.Socks.ToString()), $"{Environment.ProcessId}-socks", directory, stop);
            _server.Ready();
            _socks.Ready();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal Options Options { get; }

    internal CancellationToken Stop { get; }

    internal BenchNetwork Network { get; }

    internal Results Results { get; } = new();

    /// <summary>Measures everything that was asked for; <paramref name="progress"/> is told what is going on.</summary>
    internal void Run(TextWriter progress)
    {
        foreach (IBenchmark benchmark in Options.Benchmarks)
        {
            progress.Write($"{benchmark.Name} ");
            long start = Stopwatch.GetTimestamp();
            for (int round = 0; round < benchmark.Rounds(Options.Rounds); round++)
            {
                foreach (Contender contender in Options.Contenders)
                {
                    if (benchmark.Covers(contender) && !Results.Failed(benchmark, contender))
                    {
                        Measure(benchmark, contender);
                        progress.Write('.');
                        progress.Flush();
                    }
                }
            }

            progress.WriteLine(string.Create(global::System.Globalization.CultureInfo.InvariantCulture, $" {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s"));
        }
    }

    /// <summary>The contender's one lasting passage, started and warmed up when first asked for. One that does not get so far is not tried again.</summary>
    internal Passage Passage(Contender contender)
    {
        if (!_passages.TryGetValue(contender, out Passage? passage))
        {
            if (_broken.Contains(contender))
            {
                throw new BenchException(DoesNotStart);
            }

            try
            {
                passage = Fresh(contender);
                _passages[contender] = passage;
                passage.WarmUp(Stop);
            }
            catch (BenchException)
            {
                _broken.Add(contender);
                throw;
            }
        }

        return passage;
    }

    /// <summary>A passage of its own; the caller disposes it.</summary>
    internal Passage Fresh(Contender contender) => new(contender, Network, _server, Stop);

    /// <summary>Both ends of sessions, started when first asked for, and warmed up for the contender.</summary>
    internal SessionPassage Session(Contender contender)
    {
        _session ??= new SessionPassage(Network, Stop);
        if (_warm.Add(contender))
        {
            _session.WarmUp(SessionPassage.By(contender), Stop);
        }

        return _session;
    }

    /// <summary>Has the far side let go of the connections it kept.</summary>
    internal void Release() => _server.Ask("release");

    /// <summary>Starts any program through a contender that carries programs, on premises that are the caller's.</summary>
    internal LoadProcess Run(Contender contender, IReadOnlyList<string> program, Premises premises) =>
        new(premises.Host.Namespace, contender.CommandFor(program, premises.Proxy, premises.Directory), premises.Mark, premises.Directory, Stop);

    /// <summary>Has a contender's load do something repeatedly; failures among successes are noted.</summary>
    internal LoadResult Ask(Contender contender, string order, string benchmark)
    {
        LoadResult result = LoadResult.Parse(Passage(contender).Load.Ask(order, Options.Window));
        if (result.Failures > 0)
        {
            Results.Note($"{benchmark}, {contender.Name}: {result.Failures} of {result.Count + result.Failures} failed");
        }

        return result;
    }

    /// <summary>Notes something that the reader of the table should know.</summary>
    internal void Note(IBenchmark benchmark, Contender contender, string message) => Results.Note($"{benchmark.Name}, {contender.Name}: {message}");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Passage passage in _passages.Values)
        {
            passage.Dispose();
        }

        _session?.Dispose();
        _server?.Dispose();
        _socks?.Dispose();
        Network.Dispose();
    }

    private void Measure(IBenchmark benchmark, Contender contender)
    {
        Stop.ThrowIfCancellationRequested();
        try
        {
            Results.Add(benchmark, contender, benchmark.Measure(this, contender));
        }
        catch (BenchException exception)
        {
            Results.Fail(benchmark, contender, exception.Message);
            // Whatever state it is in: the next benchmark starts it anew.
            if (_passages.Remove(contender, out Passage? passage))
            {
                passage.Dispose();
            }
        }
    }
}
