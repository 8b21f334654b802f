using System.Collections.Generic;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Pairing;

/// <summary>A gateway that a device is to be paired with.</summary>
/// <param name="Name">What people call it, as far as that is known.</param>
/// <param name="Addresses">Where it listens for TLS, the best first; not empty.</param>
/// <param name="Key">Its key, where that is known beforehand (from a URI): another is refused.</param>
public sealed record PairTarget(string Name, IReadOnlyList<Destination> Addresses, KeyHash? Key);
