using System.Diagnostics;
using System.Globalization;
using System.Threading;

namespace Culvert.Bench.Load;

/// <summary>What a load process has received so far.</summary>
/// <param name="Bytes">Bytes of TCP payload.</param>
/// <param name="Datagrams">UDP datagrams.</param>
/// <param name="Seconds">When, on the machine's monotonic clock, which all processes share.</param>
internal readonly record struct Counters(long Bytes, long Datagrams, double Seconds)
{
    private static long _bytes;
    private static long _datagrams;

    /// <summary>This process's own, now.</summary>
    internal static Counters Now => new(Volatile.Read(ref _bytes), Volatile.Read(ref _datagrams), Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency);

    internal static void AddBytes(int count) => Interlocked.Add(ref _bytes, count);

    internal static void AddDatagram() => Interlocked.Increment(ref _datagrams);

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    internal static Counters Parse(string text)
    {
        string[] parts = text.Split(' ');
        return new(long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture), double.Parse(parts[2], CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Bytes} {Datagrams} {Seconds:F9}");
}
