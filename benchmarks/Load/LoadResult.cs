using System.Globalization;

namespace Culvert.Bench.Load;

/// <summary>What came of an operation that was repeated for a while.</summary>
/// <param name="Count">How often it succeeded.</param>
/// <param name="Seconds">How long all of it took.</param>
/// <param name="Failures">How often it did not succeed.</param>
/// <param name="Median">Seconds of the median operation.</param>
/// <param name="P99">Seconds of the 99th percentile.</param>
internal readonly record struct LoadResult(int Count, double Seconds, int Failures, double Median, double P99)
{
    /// <summary>Successes a second.</summary>
    internal double Rate => Count / Seconds;

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    internal static LoadResult Parse(string text)
    {
        string[] parts = text.Split(' ');
        return new(int.Parse(parts[0], CultureInfo.InvariantCulture), Number(1), int.Parse(parts[2], CultureInfo.InvariantCulture), Number(3), Number(4));

        double Number(int index) => double.Parse(parts[index], CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Count} {Seconds:F9} {Failures} {Median:F9} {P99:F9}");
}
