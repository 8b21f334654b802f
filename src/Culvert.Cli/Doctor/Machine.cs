using System;
using System.Collections.Generic;
using System.Net;

namespace Culvert.Cli.Doctor;

/// <summary>What the doctor looks at, as data: read from a machine by <see cref="MachineReader"/>, or made up by a test.</summary>
internal sealed record Machine
{
    /// <summary>What opening /dev/net/tun met: null when it opened, else the system's reason.</summary>
    public string? TunTrouble { get; init; }

    /// <summary>/dev/net/tun is there.</summary>
    public bool TunExists { get; init; } = true;

    /// <summary>Settings under /proc/sys by their path below it; what is not there is missing.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The interface of the default route; null when there is none.</summary>
    public string? DefaultInterface { get; init; }

    /// <summary>Interfaces that are tunnels of somebody else (TUN devices, WireGuard, PPP) and have a default route, or routes for both halves of all addresses.</summary>
    public IReadOnlyList<string> OtherVpns { get; init; } = [];

    /// <summary>The name servers of resolv.conf.</summary>
    public IReadOnlyList<IPAddress> Resolvers { get; init; } = [];

    /// <summary>The name servers that a resolver on this machine asks, as far as it says.</summary>
    public IReadOnlyList<IPAddress> Uplinks { get; init; } = [];

    /// <summary>Links that have a journal in /run/culvert.</summary>
    public IReadOnlyList<string> Journals { get; init; } = [];

    /// <summary>Tunnels that answer on their control sockets.</summary>
    public IReadOnlyList<string> Running { get; init; } = [];

    /// <summary>nftables' library is installed.</summary>
    public bool HasFirewall { get; init; } = true;

    /// <summary>Something that can start the helper with privileges: root already, sudo, pkexec or the service.</summary>
    public bool CanElevate { get; init; } = true;

    /// <summary>The clock.</summary>
    public DateTimeOffset Now { get; init; }

    /// <summary>When this Culvert was built; a clock before that is wrong.</summary>
    public DateTimeOffset Built { get; init; }

    /// <summary>The kernel says the clock follows a time server; null where it does not say.</summary>
    public bool? ClockFollows { get; init; }

    /// <summary>A global IPv6 address is on an interface.</summary>
    public bool HasV6Address { get; init; }

    /// <summary>There is a default route for IPv6.</summary>
    public bool HasV6Route { get; init; }

    /// <summary>Pings of several sizes with fragmentation forbidden: total packet size in bytes, and how it went. Empty when none were sent.</summary>
    public IReadOnlyList<SizeProbe> Sizes { get; init; } = [];

    /// <summary>Whether a host answered a ping over IPv6; null when none was asked.</summary>
    public bool? V6Answers { get; init; }
}

/// <summary>How a ping of one size went.</summary>
internal enum SizeOutcome
{
    /// <summary>It was answered.</summary>
    Answered,

    /// <summary>Somebody said that it is too big.</summary>
    TooBig,

    /// <summary>Nobody said anything.</summary>
    Silence,
}

/// <summary>One ping with fragmentation forbidden.</summary>
/// <param name="Size">Bytes of the IP packet.</param>
/// <param name="Outcome">How it went.</param>
internal readonly record struct SizeProbe(int Size, SizeOutcome Outcome);
