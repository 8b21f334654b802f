using System;
using Culvert.Flows;

namespace Culvert.Sessions;

/// <summary>When a gateway gives up what a device has open.</summary>
internal sealed record SessionLimits
{
    /// <summary>The usual ones.</summary>
    public static SessionLimits Default { get; } = new();

    /// <summary>Of connections.</summary>
    public RelayOptions Relay { get; init; } = RelayOptions.Default;

    /// <summary>A UDP association is given up after so long without a datagram (RFC 4787, REQ-5: at least 2 minutes, and 5 are recommended).</summary>
    public TimeSpan AssociationIdle { get; init; } = TimeSpan.FromMinutes(5);
}
