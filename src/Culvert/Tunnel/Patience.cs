using System;

namespace Culvert.Tunnel;

/// <summary>The waits between attempts: doubling from the first to the longest, each shortened by up to half so that not everybody comes back at once.</summary>
/// <param name="Options">The limits.</param>
/// <param name="Seed">What the shortening is drawn from.</param>
internal sealed record Patience(SupervisionOptions Options, ulong Seed)
{
    /// <summary>The wait behind attempt number <paramref name="attempt"/>, counted from 0.</summary>
    public TimeSpan Wait(int attempt)
    {
        double whole = Math.Min(Options.FirstWait.TotalSeconds * Math.Pow(2, Math.Min(attempt, 30)), Options.LongestWait.TotalSeconds);
        TimeSpan wait = Shortened(TimeSpan.FromSeconds(whole), attempt);
        return attempt == 0 || wait < Options.FirstWait ? Options.FirstWait : wait;
    }

    /// <summary>The wait behind as many failed attempts when somebody waits for the exit: the long ones are for idle hours, and even then not everybody comes at once.</summary>
    public TimeSpan WaitWhenWanted(int attempts) => Shortened(attempts <= Options.PromptAttempts ? Options.FirstWait : Options.WantedWait, attempts);

    private TimeSpan Shortened(TimeSpan wait, int attempt) => wait * (0.5 + (0.5 * Fraction(attempt)));

    // SplitMix64 (Steele, Lea, Flood 2014): one good number for one input.
    private double Fraction(int attempt)
    {
        ulong z = Seed + ((ulong)(uint)attempt * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
