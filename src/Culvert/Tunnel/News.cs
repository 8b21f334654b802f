using System;

namespace Culvert.Tunnel;

/// <summary>What the supervisor is told.</summary>
internal enum NewsKind
{
    /// <summary>Time has passed.</summary>
    Time,

    /// <summary>The exit answered a probe.</summary>
    Answered,

    /// <summary>A probe failed.</summary>
    Failed,

    /// <summary>A link, an address or a route of this machine changed, or it woke up.</summary>
    NetworkChanged,

    /// <summary>A flow was carried: the exit works.</summary>
    Carried,

    /// <summary>A flow met an exit that did not work, or waits for one that does.</summary>
    Wanted,

    /// <summary>The tunnel is to end.</summary>
    Stop,
}

/// <summary>One piece of news for the supervisor.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Probe">Answered and Failed: which probe.</param>
/// <param name="RoundTrip">Answered: how long it took.</param>
/// <param name="Why">Failed: the sentence.</param>
internal readonly record struct News(NewsKind Kind, int Probe = 0, TimeSpan RoundTrip = default, string Why = "");
