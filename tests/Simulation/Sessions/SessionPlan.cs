namespace Culvert.Tests.Simulation.Sessions;

/// <summary>What happens on each stream of a run, as a function of seed and id, so that both ends know what to expect without talking about it.</summary>
internal sealed record SessionPlan(ulong Seed, int LargestStream)
{
    /// <summary>Seed of the bytes that go one way.</summary>
    public ulong Content(uint id, bool fromOpener) => Randomness.Mix(Seed ^ (id * 2UL) ^ (fromOpener ? 1UL : 0));

    /// <summary>Bytes that go one way.</summary>
    public long Size(uint id, bool fromOpener)
    {
        ulong drawn = Content(id, fromOpener) >> 8;
        return (drawn & 3) switch
        {
            0 => (long)(drawn >> 2) & 63, // a keystroke or two, or nothing
            _ => (long)((drawn >> 2) % (ulong)LargestStream),
        };
    }

    /// <summary>Refused by the side that is asked.</summary>
    public bool IsRefused(uint id) => Draw(id, 1) % 16 == 0;

    /// <summary>Reset by the opener, after it has sent so many bytes; -1 for never.</summary>
    public long ResetAfter(uint id) => !IsRefused(id) && Draw(id, 2) % 10 == 0 ? (long)(Draw(id, 3) % (ulong)(Size(id, true) + 1)) : -1;

    /// <summary>Read seldom.</summary>
    public bool IsSlow(uint id) => Draw(id, 4) % 6 == 0;

    private ulong Draw(uint id, uint what) => Randomness.Mix(Seed + (id * 16UL) + what);
}
