using System;

namespace Culvert.Serving;

/// <summary>What strangers and devices may cost a gateway.</summary>
public sealed record ServeLimits
{
    /// <summary>The usual ones.</summary>
    public static ServeLimits Default { get; } = new();

    /// <summary>Connections at a time; newcomers then wait in the system's queue.</summary>
    public int MaxConnections { get; init; } = 1024;

    /// <summary>Connections at a time from one address (IPv6: one /64); more are dropped.</summary>
    public int MaxConnectionsPerAddress { get; init; } = 64;

    /// <summary>TLS handshakes under way at a time; more are dropped.</summary>
    public int MaxHandshakes { get; init; } = 256;

    /// <summary>The same from one address.</summary>
    public int MaxHandshakesPerAddress { get; init; } = 32;

    /// <summary>How long a handshake may take.</summary>
    public TimeSpan HandshakeTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Sessions at a time, those that wait for their device included.</summary>
    public int MaxSessions { get; init; } = 256;

    /// <summary>The same of one device.</summary>
    public int MaxSessionsPerDevice { get; init; } = 16;

    /// <summary>Connections and UDP associations that a session may have open.</summary>
    public int MaxFlows { get; init; } = 4096;
}
