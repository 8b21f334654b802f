using System;
using System.IO;

namespace Culvert.Platform.Linux;

/// <summary>How the helper is started and what link it makes.</summary>
public sealed record TunnelHelperOptions
{
    /// <summary>The link when nobody asks for another.</summary>
    public const string DefaultLink = "culvert0";

    /// <summary>What the name of any other link begins with.</summary>
    public const string LinkPrefix = "culvert-";

    /// <summary>The user that the installed service's engine runs as, and the group that may ask its helper.</summary>
    public const string ServiceUser = "culvert";

    /// <summary>Where the installed service listens.</summary>
    public const string ServiceSocket = "/run/culvert/helper.socket";

    /// <summary>The link's name: <see cref="DefaultLink"/>, or <see cref="LinkPrefix"/> and one to seven letters, digits, dashes.</summary>
    public string Link { get; init; } = DefaultLink;

    /// <summary>Largest IP packet of the link in bytes, 1,280 to 65,535.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>Whether segmentation and checksums are left to the link where they can be.</summary>
    public bool Offloads { get; init; } = TunDevice.OffloadsWanted;

    /// <summary>Queues of the link, each driven by a thread of its own, up to <see cref="TunDevice.MaxQueues"/>.</summary>
    public int Queues { get; init; } = TunDevice.QueuesWanted;

    /// <summary>The helper: path of <c>culvert-helper</c>, with <c>culvert-helper.dll</c> next to it where it is not a single file.</summary>
    public string HelperPath { get; init; } = Path.Combine(AppContext.BaseDirectory, "culvert-helper");

    /// <summary>Where the journals are kept; null: the helper's own place, which no other than root chooses.</summary>
    public string? Journals { get; init; }

    /// <summary>Who the engine becomes, when it is root, as soon as the helper runs; null: it stays what it is.</summary>
    public Account? EngineAccount { get; init; } = Account.Invoking;

    /// <summary>How long the helper may take to make the link; a person may have to type a password meanwhile.</summary>
    public TimeSpan OpenLimit { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a change of the network may take.</summary>
    public TimeSpan SetLimit { get; init; } = TimeSpan.FromSeconds(15);
}
