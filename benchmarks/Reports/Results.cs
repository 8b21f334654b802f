using System.Collections.Generic;
using System.Linq;
using Culvert.Bench.Rows;
using Culvert.Bench.Running;

namespace Culvert.Bench.Reports;

/// <summary>All samples of a run, and what went wrong.</summary>
internal sealed class Results
{
    private readonly Dictionary<(IBenchmark Benchmark, Contender Contender, Metric Metric), List<double>> _samples = [];
    private readonly HashSet<(IBenchmark Benchmark, Contender Contender)> _failed = [];
    private readonly HashSet<(Contender Contender, string Reason)> _reasons = [];
    private readonly List<string> _notes = [];

    /// <summary>What the reader of the table should know, in order.</summary>
    internal IReadOnlyList<string> Notes => _notes;

    internal void Note(string note)
    {
        if (!_notes.Contains(note))
        {
            _notes.Add(note);
        }
    }

    internal void Add(IBenchmark benchmark, Contender contender, IReadOnlyList<double?> numbers)
    {
        for (int index = 0; index < numbers.Count; index++)
        {
            if (numbers[index] is { } number)
            {
                (IBenchmark, Contender, Metric) key = (benchmark, contender, benchmark.Metrics[index]);
                if (!_samples.TryGetValue(key, out List<double>? list))
                {
                    _samples[key] = list = [];
                }

                list.Add(number);
            }
        }
    }

    /// <summary>Records that something could not be measured; further rounds leave it out. The same reason is told once a contender.</summary>
    internal void Fail(IBenchmark benchmark, Contender contender, string reason)
    {
        _failed.Add((benchmark, contender));
        if (_reasons.Add((contender, reason)))
        {
            Note($"{benchmark.Name}, {contender.Name}: {reason.ReplaceLineEndings(" ")}");
        }
    }

    internal bool Failed(IBenchmark benchmark, Contender contender) => _failed.Contains((benchmark, contender));

    /// <summary>The samples of one number, in the order they were taken; empty where there are none.</summary>
    internal IReadOnlyList<double> Samples(IBenchmark benchmark, Contender contender, Metric metric) => _samples.GetValueOrDefault((benchmark, contender, metric)) ?? [];

    /// <summary>The median, null without samples.</summary>
    internal double? Median(IBenchmark benchmark, Contender contender, Metric metric)
    {
        double[] sorted = [.. Samples(benchmark, contender, metric).Order()];
        return sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Half the distance from the least to the greatest sample, relative to the median; null with fewer than two samples.</summary>
    internal double? Spread(IBenchmark benchmark, Contender contender, Metric metric)
    {
        IReadOnlyList<double> samples = Samples(benchmark, contender, metric);
        return samples.Count < 2 || Median(benchmark, contender, metric) is not { } median || median == 0 ? null : (samples.Max() - samples.Min()) / 2 / median;
    }

    /// <summary>The median divided by that of raw; null where either is missing.</summary>
    internal double? Ratio(IBenchmark benchmark, Contender contender, Metric metric)
        => Median(benchmark, contender, metric) / Median(benchmark, Contenders.Raw, metric) is { } ratio && double.IsFinite(ratio) ? ratio : null;
}
