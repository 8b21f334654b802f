using System;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// Round-trip time and retransmission time-out (RFC 6298), in microseconds. As in Linux the variance term never falls below
/// <see cref="MinTimeout"/>: a path of constant delay would else have a time-out of exactly that delay, and every delayed ACK would run into it.
/// </summary>
internal struct RttEstimator
{
    /// <summary>The least that a time-out leaves beyond the smoothed round trip.</summary>
    public const long MinTimeout = 200_000;

    /// <summary>The longest time-out, backed off or not (RFC 6298 rule 2.5).</summary>
    public const long MaxTimeout = 60_000_000;

    /// <summary>The time-out before there is any sample (RFC 6298 rule 2.1).</summary>
    public const long InitialTimeout = 1_000_000;

    private long _variance;
    private long _timeout;

    /// <summary>Smoothed round-trip time; 0 before the first sample.</summary>
    public long Smoothed { get; private set; }

    /// <summary>The shortest round trip seen; 0 before the first sample.</summary>
    public long Shortest { get; private set; }

    /// <summary>True after the first sample.</summary>
    public readonly bool HasSample => Smoothed != 0;

    /// <summary>The time-out after <paramref name="backoffs"/> expiries in a row (RFC 6298 rule 5.5).</summary>
    public readonly long Timeout(int backoffs)
    {
        long timeout = _timeout == 0 ? InitialTimeout : _timeout;
        return backoffs >= 16 ? MaxTimeout : Math.Min(timeout << backoffs, MaxTimeout);
    }

    /// <summary>
    /// Takes a sample of segments that were sent once (Karn's rule is the caller's): <paramref name="rtt"/> since the first of them was sent, <paramref name="shortest"/>
    /// since the last, which the peer did not let wait.
    /// </summary>
    public void Sample(long rtt, long shortest)
    {
        rtt = Math.Max(rtt, 1);
        shortest = Math.Clamp(shortest, 1, rtt);
        if (Smoothed == 0)
        {
            Smoothed = rtt;
            _variance = rtt / 2;
            Shortest = shortest;
        }
        else
        {
            _variance = ((3 * _variance) + Math.Abs(Smoothed - rtt)) / 4;
            Smoothed = Math.Max(((7 * Smoothed) + rtt) / 8, 1);
            Shortest = Math.Min(Shortest, shortest);
        }

        _timeout = Math.Min(Smoothed + Math.Max(4 * _variance, MinTimeout), MaxTimeout);
    }
}
