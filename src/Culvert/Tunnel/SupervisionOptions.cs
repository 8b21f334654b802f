using System;

namespace Culvert.Tunnel;

/// <summary>How patient the supervisor of a tunnel is.</summary>
public sealed record SupervisionOptions
{
    /// <summary>The wait after the first failed attempt; it doubles with every further one.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait; attempts go on for ever.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest wait while somebody waits for the exit, when it has been away for longer than <see cref="PromptAttempts"/>.</summary>
    public TimeSpan WantedWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>So many attempts in a row come within <see cref="FirstWait"/> of each other while somebody waits: about the first minute of an outage.</summary>
    public int PromptAttempts { get; init; } = 60;

    /// <summary>How long an attempt to reach the exit may take.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long after a good answer the exit is asked again.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long the exit may take to answer a check.</summary>
    public TimeSpan CheckLimit { get; init; } = TimeSpan.FromSeconds(2.5);

    /// <summary>Checks in a row that must fail before the exit counts as gone. With the defaults a dead tunnel is noticed within 8 s.</summary>
    public int ChecksToFail { get; init; } = 2;

    /// <summary>An attempt is not begun anew for a change of the network that comes sooner than this after its start, so that a flapping link does not starve it.</summary>
    public TimeSpan RestartInterval { get; init; } = TimeSpan.FromSeconds(0.5);
}
