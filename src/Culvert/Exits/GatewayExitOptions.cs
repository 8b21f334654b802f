using System;
using Culvert.Core.Session;

namespace Culvert.Exits;

/// <summary>How a device keeps the session with its gateway.</summary>
internal sealed record GatewayExitOptions
{
    /// <summary>The usual options.</summary>
    public static GatewayExitOptions Default { get; } = new();

    /// <summary>What people call the gateway; null for the first way to it.</summary>
    public string? Name { get; init; }

    /// <summary>Of the session itself.</summary>
    public VshpOptions Session { get; init; } = new()
    {
        Capabilities = VshpCapabilities.Datagrams | VshpCapabilities.Resolve | VshpCapabilities.Echo | VshpCapabilities.UnixSockets | VshpCapabilities.Resume,
    };

    /// <summary>How long a connection to a destination may take, the waiting for a transport included.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long one transport may take to be opened, and how long a probe waits.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a ping is waited for.</summary>
    public TimeSpan EchoTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The pause before the second attempt to find a transport; each next one is twice as long.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest of them.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock of the session.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
