namespace Culvert.Core.Mdns;

/// <summary>Times of multicast DNS, in milliseconds, and chance within them.</summary>
internal struct MdnsTime(ulong seed)
{
    /// <summary>Between two probes (RFC 6762 section 8.1).</summary>
    public const long ProbeInterval = 250;

    /// <summary>Between two announcements, and the least between two answers with the same record (sections 8.3 and 6).</summary>
    public const long Second = 1000;

    /// <summary>Never.</summary>
    public const long Never = long.MaxValue;

    private ulong _state = seed;

    /// <summary>A number from <paramref name="from"/> to <paramref name="to"/> (SplitMix64).</summary>
    public long Between(long from, long to)
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        ulong z = (_state ^ (_state >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return from + (long)((z ^ (z >> 31)) % (ulong)(to - from + 1));
    }
}
