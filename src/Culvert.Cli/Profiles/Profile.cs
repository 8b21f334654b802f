using System.Collections.Generic;

namespace Culvert.Cli.Profiles;

/// <summary>An exit with its options under a name, from the configuration file: <c>[exit.NAME]</c>. What is null or empty was not given.</summary>
internal sealed record Profile
{
    /// <summary>The EXIT, as on the command line.</summary>
    public required string Uri { get; init; }

    /// <summary>As <c>--via</c>.</summary>
    public string? Via { get; init; }

    /// <summary>As <c>--dns</c>.</summary>
    public string? Dns { get; init; }

    /// <summary>As <c>--mtu</c>.</summary>
    public int? Mtu { get; init; }

    /// <summary>As <c>--ipv6</c>.</summary>
    public string? IPv6 { get; init; }

    /// <summary>As <c>--exclude</c>.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>As <c>--include</c>.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>False for <c>--no-lan</c>.</summary>
    public bool? Lan { get; init; }

    /// <summary>As <c>--kill-switch</c>.</summary>
    public bool? KillSwitch { get; init; }

    /// <summary>As <c>--user</c>.</summary>
    public string? User { get; init; }

    /// <summary>As <c>--group</c>.</summary>
    public string? Group { get; init; }

    /// <summary>A program and its arguments, run when the tunnel has come up.</summary>
    public IReadOnlyList<string> PostUp { get; init; } = [];

    /// <summary>A program and its arguments, run before the tunnel goes down.</summary>
    public IReadOnlyList<string> PreDown { get; init; } = [];
}
