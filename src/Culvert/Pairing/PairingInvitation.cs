using System;
using System.Collections.Generic;
using Culvert.Core.Session;
using Culvert.Trust;

namespace Culvert.Pairing;

/// <summary>A one-time secret as it is shown: for a camera, or for typing.</summary>
/// <param name="Uri">For a QR code, or to be copied.</param>
/// <param name="Code">For typing: <c>K7QM-2X94</c>.</param>
/// <param name="Until">When it is void.</param>
public sealed record PairingInvitation(PairUri? Uri, string Code, DateTimeOffset Until)
{
    /// <summary>An invitation of the gateway with this key and name at these addresses; without any there is a code only.</summary>
    internal static PairingInvitation Make(KeyHash key, string name, IReadOnlyList<string> addresses, ReadOnlyMemory<byte> secret, string code, DateTimeOffset until) => new(
        addresses.Count == 0 ? null : new PairUri { Key = key.ToBytes32(), Secret = secret, Name = name, Until = until.ToUnixTimeSeconds(), Addresses = addresses },
        code,
        until);
}
