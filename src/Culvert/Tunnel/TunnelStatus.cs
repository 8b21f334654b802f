using System;

namespace Culvert.Tunnel;

/// <summary>How a tunnel is, for people and scripts. No secrets.</summary>
/// <param name="State"><c>connecting</c>, <c>connected</c>, <c>waiting</c> or <c>stopping</c>.</param>
/// <param name="Why">What the last attempt met, while it is away; else empty.</param>
/// <param name="Exit">The exit, without its password.</param>
/// <param name="Link">The link's name.</param>
/// <param name="Names">Who resolves names.</param>
/// <param name="Started">When the tunnel came up first.</param>
/// <param name="Since">Since when it is in this state.</param>
/// <param name="RoundTrip">How long the exit took to answer last; null where there is nothing to ask (direct), or it is away.</param>
/// <param name="Uploaded">Bytes that went into the link.</param>
/// <param name="Downloaded">Bytes that came out of it.</param>
/// <param name="Flows">TCP and UDP flows alive.</param>
/// <param name="Reconnects">How often the exit was away and came back.</param>
/// <param name="Helped">The helper is there; without it the tunnel and its leak guard stand, and cannot be changed.</param>
/// <param name="KillSwitch">The leak guard outlives any death.</param>
public sealed record TunnelStatus(
    string State,
    string Why,
    string Exit,
    string Link,
    string Names,
    DateTimeOffset Started,
    DateTimeOffset Since,
    TimeSpan? RoundTrip,
    long Uploaded,
    long Downloaded,
    int Flows,
    int Reconnects,
    bool Helped,
    bool KillSwitch);
