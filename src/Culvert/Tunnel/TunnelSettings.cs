using System;
using System.Collections.Generic;
using System.Net;
using Culvert.Exits;
using Culvert.Names;
using Culvert.Trust;

namespace Culvert.Tunnel;

/// <summary>What a tunnel for the whole machine should be like.</summary>
public sealed record TunnelSettings
{
    /// <summary>Most networks and domains that may be excluded or included, each.</summary>
    public const int MaxEntries = 256;

    /// <summary>The MTU that carries anything, for links nobody knows better about (RFC 8200 section 5).</summary>
    public const int SmallestMtu = 1280;

    /// <summary>Where the traffic leaves.</summary>
    public ExitUri Exit { get; init; } = ExitUri.Direct;

    /// <summary>The proxy through which the exit is reached; null for none.</summary>
    public ExitUri? Via { get; init; }

    /// <summary>Who we are to a gateway; its maker's, to be disposed of behind the tunnel. Null where no exit asks.</summary>
    public Identity? Identity { get; init; }

    /// <summary>Who resolves names.</summary>
    public NamesPolicy Names { get; init; } = NamesPolicy.Auto;

    /// <summary>The link's name.</summary>
    public string Link { get; init; } = "culvert0";

    /// <summary>Largest packet of the link in bytes. Streams end at the link, so it says nothing about the path behind it.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Networks that are reached outside the tunnel.</summary>
    public IReadOnlyList<IPNetwork> Exclude { get; init; } = [];

    /// <summary>Domains that are resolved and reached outside the tunnel.</summary>
    public IReadOnlyList<string> ExcludeDomains { get; init; } = [];

    /// <summary>The only networks that go into the tunnel; empty for all.</summary>
    public IReadOnlyList<IPNetwork> Include { get; init; } = [];

    /// <summary>The neighbourhood is reached directly.</summary>
    public bool Lan { get; init; } = true;

    /// <summary>IPv6 goes into the tunnel, where what the exit cannot carry is refused at once; else all of it is refused.</summary>
    public bool IPv6 { get; init; } = true;

    /// <summary>The leak guard outlives any death, until <c>down</c> or <c>cleanup</c>.</summary>
    public bool KillSwitch { get; init; }

    /// <summary>How long everything goes outside first, for a captive portal; zero for not at all.</summary>
    public TimeSpan Captive { get; init; }

    /// <summary>Only this user's traffic; null for everybody's.</summary>
    public uint? User { get; init; }

    /// <summary>Only this group's traffic; null for everybody's.</summary>
    public uint? Group { get; init; }

    /// <summary>A program and its arguments, run as the engine's user when the tunnel has come up; empty for none.</summary>
    public IReadOnlyList<string> PostUp { get; init; } = [];

    /// <summary>A program and its arguments, run as the engine's user before the tunnel goes down; empty for none.</summary>
    public IReadOnlyList<string> PreDown { get; init; } = [];

    /// <summary>How long a hook may run; then it is ended.</summary>
    public TimeSpan HookLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a connection or a query waits for an exit that is away before it is refused.</summary>
    public TimeSpan FlowPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the exit's name may take to be resolved.</summary>
    public TimeSpan LookupLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The supervisor's patience.</summary>
    public SupervisionOptions Supervision { get; init; } = new();
}
