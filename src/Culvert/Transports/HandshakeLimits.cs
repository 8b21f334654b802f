using System;

namespace Culvert.Transports;

/// <summary>How much those may cost who have not shown their key yet.</summary>
internal sealed record HandshakeLimits
{
    /// <summary>The usual ones.</summary>
    public static HandshakeLimits Default { get; } = new();

    /// <summary>Handshakes under way at a time; more are dropped.</summary>
    public int Total { get; init; } = 256;

    /// <summary>The same from one address (IPv6: one /64, which is one customer).</summary>
    public int PerAddress { get; init; } = 32;

    /// <summary>How long one may take, from the connection on.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(10);
}
