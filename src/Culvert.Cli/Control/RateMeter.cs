using System;
using System.Threading;

namespace Culvert.Cli.Control;

/// <summary>Bytes a second, each way.</summary>
internal readonly record struct Rates(double Up, double Down);

/// <summary>Makes rates of counters that are read now and then. Safe from many threads.</summary>
internal sealed class RateMeter(TimeProvider time)
{
    private static readonly TimeSpan LeastInterval = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private long _at = time.GetTimestamp();
    private long _up;
    private long _down;
    private Rates _rates;

    /// <summary>The rates since the last reading at least half a second ago.</summary>
    public Rates Read(long up, long down)
    {
        lock (_lock)
        {
            TimeSpan passed = time.GetElapsedTime(_at);
            if (passed >= LeastInterval)
            {
                // A link that was made anew counts from zero.
                _rates = new Rates(Math.Max(0, up - _up) / passed.TotalSeconds, Math.Max(0, down - _down) / passed.TotalSeconds);
                (_at, _up, _down) = (time.GetTimestamp(), up, down);
            }

            return _rates;
        }
    }
}
