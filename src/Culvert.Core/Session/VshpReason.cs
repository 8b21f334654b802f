namespace Culvert.Core.Session;

/// <summary>Why something did not happen or is over, as VSHP says it. The numbers are fixed for ever (docs/protocol.md, Reasons).</summary>
public enum VshpReason : ushort
{
    /// <summary>Nothing went wrong.</summary>
    None = 0,

    /// <summary>A defect of the side that says it.</summary>
    Bug = 1,

    /// <summary>The side that hears it broke the protocol.</summary>
    Protocol = 2,

    /// <summary>No version in common.</summary>
    Version = 3,

    /// <summary>Credentials were refused.</summary>
    Authentication = 4,

    /// <summary>The other is not who it should be.</summary>
    Untrusted = 5,

    /// <summary>Nobody listens there.</summary>
    Refused = 6,

    /// <summary>No way to the host.</summary>
    HostUnreachable = 7,

    /// <summary>No way to the network.</summary>
    NetworkUnreachable = 8,

    /// <summary>No answer in time.</summary>
    TimedOut = 9,

    /// <summary>The name does not resolve.</summary>
    NameNotFound = 10,

    /// <summary>Not among the things this side carries.</summary>
    NotCarried = 11,

    /// <summary>A rule forbids it.</summary>
    Prohibited = 12,

    /// <summary>An established connection was reset.</summary>
    Reset = 13,

    /// <summary>A named limit is reached.</summary>
    LimitReached = 14,

    /// <summary>The way out itself is away.</summary>
    ExitUnreachable = 15,

    /// <summary>Whoever asked wants it no more.</summary>
    Cancelled = 16,

    /// <summary>Silent for too long.</summary>
    Idle = 17,

    /// <summary>This side is going away.</summary>
    ShuttingDown = 18,

    /// <summary>No session has this ticket: it was restarted, or the time is over.</summary>
    TicketUnknown = 19,

    /// <summary>The ticket was used before.</summary>
    TicketUsed = 20,

    /// <summary>The device is no longer trusted.</summary>
    Revoked = 21,

    /// <summary>The session found no transport in time.</summary>
    SessionLost = 22,

    /// <summary>The side that hears it sent beyond a window.</summary>
    FlowControl = 23,

    /// <summary>The one-time secret is wrong.</summary>
    PairingSecret = 24,

    /// <summary>The one-time secret is void by now.</summary>
    PairingExpired = 25,

    /// <summary>A person said no.</summary>
    PairingDeclined = 26,
}
