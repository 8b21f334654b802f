using System.Collections.Generic;
using Culvert.Bench.Running;

namespace Culvert.Bench.Rows;

/// <summary>One thing that is measured for every contender it makes sense for.</summary>
internal interface IBenchmark
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>What it measures, in a few words.</summary>
    string Title { get; }

    /// <summary>The numbers it tells, the main one first.</summary>
    IReadOnlyList<Metric> Metrics { get; }

    /// <summary>How often it is measured when <paramref name="asked"/> rounds are asked for.</summary>
    int Rounds(int asked) => asked;

    /// <summary>True for what takes so long that it is measured only when it is named.</summary>
    bool OnRequest => false;

    /// <summary>False where there is nothing to measure.</summary>
    bool Covers(Contender contender) => !contender.IsSession;

    /// <summary>Measures once; one number a metric, null (or nothing any more) where it has none for this contender. Throws <see cref="BenchException"/> with the reason when it cannot.</summary>
    IReadOnlyList<double?> Measure(Bench bench, Contender contender);
}
