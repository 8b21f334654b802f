using System;

namespace Culvert.Entries;

/// <summary>Limits of the entries that listen.</summary>
public sealed record EntryLimits
{
    /// <summary>The usual limits.</summary>
    public static EntryLimits Default { get; } = new();

    /// <summary>Connections served at a time by one entry; at the limit no more are accepted, and newcomers wait in the system's queue.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>How long a client may take for its greeting, for one request's head, and to take our answer; then it is closed.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long an HTTP client's connection is kept between two requests.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Connections that wait to be accepted (the system may allow fewer).</summary>
    public int Backlog { get; init; } = 1024;

    /// <summary>The relays' own limits.</summary>
    public Flows.RelayOptions Relay { get; init; } = Flows.RelayOptions.Default;
}
