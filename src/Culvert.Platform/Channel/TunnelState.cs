using System;
using System.Collections.Generic;
using System.Net;
using Culvert.Core.Dns;

namespace Culvert.Platform.Channel;

/// <summary>
/// How the machine's network should be while a tunnel is wanted: the whole of it, every time. The helper makes it so as one change, and
/// gives everything back when its channel closes.
/// </summary>
public sealed partial record TunnelState
{
    /// <summary>Most entries of each list.</summary>
    public const int MaximumEntries = 1024;

    /// <summary>The longest hole for a captive portal.</summary>
    public static readonly TimeSpan MaximumCaptiveTime = TimeSpan.FromHours(1);

    /// <summary>Every address there is.</summary>
    public static readonly IReadOnlyList<IPNetwork> Everything = [new(IPAddress.Any, 0), new(IPAddress.IPv6Any, 0)];

    /// <summary>The link's own addresses.</summary>
    public IReadOnlyList<LinkAddress> Addresses { get; init; } = [new(TunnelAddresses.LinkV4, 32), new(TunnelAddresses.LinkV6, TunnelAddresses.PrefixLengthV6)];

    /// <summary>What goes into the link; the rest is left alone. Routes of the machine's own that are more specific than a default still win, with <see cref="Lan"/>.</summary>
    public IReadOnlyList<IPNetwork> Inside { get; init; } = Everything;

    /// <summary>
    /// What anybody reaches outside the tunnel, by the machine's own routes: the exit's addresses, excluded networks. One with a port holds even for
    /// DNS's ports; one without stands behind <see cref="CaptureDns"/>.
    /// </summary>
    public IReadOnlyList<Bypass> Outside { get; init; } = [];

    /// <summary>
    /// What the engine alone reaches outside the tunnel, from sockets that are bound to an interface (SO_BINDTODEVICE) and have the priority
    /// <see cref="EnginePriority"/> (SO_PRIORITY): <see cref="Bypass.Everywhere"/> for the direct exit, or the resolver that knows the exit's name.
    /// </summary>
    public IReadOnlyList<Bypass> EngineOutside { get; init; } = [];

    /// <summary>SO_PRIORITY of the engine's own sockets: a value that no type of service maps to, so that no program has it by chance (socket(7), ip(7)).</summary>
    public const int EnginePriority = 5;

    /// <summary>The engine's user. An engine that is not root can name no other than its own.</summary>
    public uint Engine { get; init; }

    /// <summary>The neighbourhood is reached directly: what the machine has routes for that are more specific than a default, multicast, broadcast.</summary>
    public bool Lan { get; init; } = true;

    /// <summary>IPv6 goes into the link as well; else it is refused at once.</summary>
    public bool Ipv6 { get; init; } = true;

    /// <summary>DNS (ports 53 and 853, TCP and UDP) goes into the link whomever it is meant for, and never out elsewhere.</summary>
    public bool CaptureDns { get; init; } = true;

    /// <summary>The resolvers that systemd-resolved, where it runs, asks on this link for every name.</summary>
    public IReadOnlyList<IPAddress> Resolvers { get; init; } = [TunnelAddresses.ResolverV4];

    /// <summary>The leak guard stays when the helper goes, however it goes, until <c>down</c> or <c>cleanup</c>.</summary>
    public bool KillSwitch { get; init; }

    /// <summary>Until then everything goes outside, so that a captive portal can be answered; at most <see cref="MaximumCaptiveTime"/> ahead. Null: no hole.</summary>
    public DateTimeOffset? CaptiveUntil { get; init; }

    /// <summary>Only what this user's programs send; null: everybody's.</summary>
    public uint? User { get; init; }

    /// <summary>Only what this group's programs send; null: everybody's. Not together with <see cref="User"/>.</summary>
    public uint? Group { get; init; }
}
