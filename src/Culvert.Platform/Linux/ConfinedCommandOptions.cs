using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using Culvert.Core.Dns;
using Culvert.Platform.Channel;

namespace Culvert.Platform.Linux;

/// <summary>What to run behind a link of its own, and what that link looks like from inside.</summary>
public sealed record ConfinedCommandOptions
{
    /// <summary>Smallest MTU that carries IPv6 (RFC 8200 section 5).</summary>
    public const int MinimumMtu = 1280;

    /// <summary>The largest IP packet.</summary>
    public const int MaximumMtu = 65535;

    /// <summary>The program: a path, or a name looked up in PATH as a shell does.</summary>
    public required string Command { get; init; }

    /// <summary>The program's arguments, without its name.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Largest IP packet of the link in bytes, <see cref="MinimumMtu"/> to <see cref="MaximumMtu"/>.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>The command's own addresses on the link. IPv6 ones are left out on a machine whose kernel has no IPv6.</summary>
    public IReadOnlyList<LinkAddress> Addresses { get; init; } = [new(TunnelAddresses.LinkV4, 32), new(TunnelAddresses.LinkV6, TunnelAddresses.PrefixLengthV6)];

    /// <summary>The resolvers that the command's /etc/resolv.conf names.</summary>
    public IReadOnlyList<IPAddress> Resolvers { get; init; } = [TunnelAddresses.ResolverV4];

    /// <summary>The helper: path of <c>culvert-helper</c>, with <c>culvert-helper.dll</c> next to it where it is not a single file.</summary>
    public string HelperPath { get; init; } = Path.Combine(AppContext.BaseDirectory, "culvert-helper");

    /// <summary>Whether segmentation and checksums are left to the link where they can be; CULVERT_OFFLOAD=0 in the environment says no.</summary>
    public bool Offloads { get; init; } = TunDevice.OffloadsWanted;

    /// <summary>Queues of the link, each driven by a thread of its own, up to <see cref="TunDevice.MaxQueues"/>; CULVERT_QUEUES in the environment says another number.</summary>
    public int Queues { get; init; } = TunDevice.QueuesWanted;

    /// <summary>How long the link may take to come up before the attempt is given up.</summary>
    public TimeSpan StartLimit { get; init; } = TimeSpan.FromSeconds(20);
}
