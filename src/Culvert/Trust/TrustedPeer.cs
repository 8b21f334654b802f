using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Culvert.Trust;

/// <summary>A device or a gateway that we are paired with.</summary>
public sealed record TrustedPeer
{
    /// <summary>What it is to us.</summary>
    public required PeerKind Kind { get; init; }

    /// <summary>What we call it, a <see cref="Core.Session.PairName"/>; no two of a kind have the same, whatever the case.</summary>
    public required string Name { get; init; }

    /// <summary>The hash of its key; no two of a kind have the same.</summary>
    public required KeyHash Key { get; init; }

    /// <summary>When it was paired.</summary>
    public required DateTimeOffset Added { get; init; }

    /// <summary>When it was last connected; null when it never was.</summary>
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>Rules for this device before those of the gateway, as lines of a file of rules: <c>allow 192.168.1.0/24:445</c>.</summary>
    public IReadOnlyList<string> Rules { get => field ?? []; init; }

    /// <summary>Where this gateway has been reached, as EXITs without its name (<c>tls://192.0.2.7:7443</c>), the best first.</summary>
    public IReadOnlyList<string> Addresses { get => field ?? []; init; }

    /// <summary>What a later version keeps here; it stays.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }

    /// <summary>Whether it is meant by a kind and a name, whatever the case.</summary>
    internal bool IsCalled(PeerKind kind, string name) => Kind == kind && Name.Equals(name, StringComparison.OrdinalIgnoreCase);
}
