namespace Culvert.Tests.Simulation;

/// <summary>The one source of chance of a simulation: SplitMix64, so that a seed means the same run on every machine and runtime.</summary>
internal sealed class Randomness(ulong seed)
{
    private ulong _state = seed;

    public ulong Next() => Mix(_state += 0x9E37_79B9_7F4A_7C15);

    /// <summary>The finaliser of SplitMix64, also used to make content from an offset.</summary>
    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 to <paramref name="bound"/> - 1.</summary>
    public int Below(int bound) => (int)(Next() % (uint)bound);

    /// <summary>A number from <paramref name="low"/> to <paramref name="high"/>, both included.</summary>
    public long Between(long low, long high) => low + (long)(Next() % (ulong)(high - low + 1));

    public bool Chance(double probability) => probability > 0 && (Next() >> 11) * (1.0 / (1L << 53)) < probability;

    /// <summary>Another source, so that what one part draws does not shift what another gets.</summary>
    public Randomness Fork() => new(Next());
}
