using System;
using Culvert.Core.Session;
using Culvert.Pairing;
using Culvert.Sessions;

namespace Culvert.Gateway;

/// <summary>Limits and habits of a gateway.</summary>
internal sealed record GatewayOptions
{
    /// <summary>The usual ones.</summary>
    public static GatewayOptions Default { get; } = new();

    /// <summary>Of each session; its capabilities are those of the exit behind, and its instance is the gateway's.</summary>
    public VshpOptions Session { get; init; } = new();

    /// <summary>Of what devices have open.</summary>
    public SessionLimits Limits { get; init; } = SessionLimits.Default;

    /// <summary>Sessions at a time, those without a transport included.</summary>
    public int MaxSessions { get; init; } = 256;

    /// <summary>The same of one device.</summary>
    public int MaxSessionsOfDevice { get; init; } = 16;

    /// <summary>How long the first frame of a transport may take.</summary>
    public TimeSpan FirstFrameTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long what is open may go on when the gateway stops.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Where devices are paired; null pairs none.</summary>
    public PairingDesk? Pairing { get; init; }

    /// <summary>The clock of sessions and relays.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Told what the gateway's owner should know: a sentence each, never a destination.</summary>
    public Action<string> Say { get; init; } = static _ => { };

    /// <summary>Told who comes and goes, from any thread.</summary>
    public Action<GatewayEvent> Tell { get; init; } = static _ => { };
}
