using System.Collections.Generic;
using System.Net;

namespace Culvert.Platform.Steering;

/// <summary>The machine that a tunnel stands on, as far as the network to be made depends on it.</summary>
/// <param name="Link">The link's name.</param>
/// <param name="Interface">The link's number.</param>
/// <param name="Slot">The tunnel's numbers.</param>
/// <param name="V6">The link has IPv6.</param>
internal sealed record Place(string Link, uint Interface, Slot Slot, bool V6)
{
    /// <summary>Networks that the machine has routes of its own for.</summary>
    public IReadOnlyList<IPNetwork> Neighbours { get; init; } = [];

    /// <summary>Who was talking when the tunnel came.</summary>
    public BusyPorts Busy { get; init; } = new([], []);
}
