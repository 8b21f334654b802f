namespace Culvert.Bench.Rows;

/// <summary>One number that a benchmark tells.</summary>
/// <param name="Name">Its name within the benchmark; empty for the main one.</param>
/// <param name="Unit">What it counts.</param>
/// <param name="HigherIsBetter">Which way is good.</param>
/// <param name="Digits">Digits behind the point that mean something.</param>
internal sealed record Metric(string Name, string Unit, bool HigherIsBetter, int Digits = 0);
