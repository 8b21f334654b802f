namespace Culvert.Core;

/// <summary>
/// Why an operation that somebody asked for did not happen. Mapped once each to exit codes (Culvert.Cli), SOCKS
/// replies (Culvert.Core.Proxy), and RST or ICMP (the tun entry).
/// </summary>
public enum FailureKind
{
    /// <summary>A defect of ours.</summary>
    Bug,

    /// <summary>The command line or an option is wrong.</summary>
    Usage,

    /// <summary>The configuration, or something the machine lacks, stands in the way.</summary>
    Configuration,

    /// <summary>The exit refused our credentials.</summary>
    Authentication,

    /// <summary>The far side is not who it should be.</summary>
    Untrusted,

    /// <summary>The exit itself cannot be reached.</summary>
    ExitUnreachable,

    /// <summary>The system does not allow it to this user.</summary>
    Privilege,

    /// <summary>The destination answered that nobody listens there.</summary>
    Refused,

    /// <summary>No way to the destination's host.</summary>
    HostUnreachable,

    /// <summary>No way to the destination's network (IPv6 through an IPv4 exit, say).</summary>
    NetworkUnreachable,

    /// <summary>The destination did not answer in time.</summary>
    TimedOut,

    /// <summary>The destination's name does not exist or did not resolve.</summary>
    NameNotFound,

    /// <summary>This exit cannot carry what was asked (UDP through an HTTP proxy, say).</summary>
    NotCarried,

    /// <summary>A rule forbids it.</summary>
    Prohibited,

    /// <summary>An established connection was reset by the far side.</summary>
    Reset,

    /// <summary>A named limit of ours is reached.</summary>
    LimitReached,

    /// <summary>The far side broke its protocol.</summary>
    Protocol,

    /// <summary>The command to run does not exist.</summary>
    CommandNotFound,

    /// <summary>The command to run exists and cannot be executed.</summary>
    CommandNotExecutable,

    /// <summary>A change of the machine's network failed, and the network is as it was before.</summary>
    ChangeFailed,

    /// <summary>Something of the machine's network could not be given back.</summary>
    CleanUpIncomplete,
}
