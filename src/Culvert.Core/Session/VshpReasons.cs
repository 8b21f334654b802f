namespace Culvert.Core.Session;

/// <summary>The one table between the reasons of VSHP and the kinds of failures.</summary>
public static class VshpReasons
{
    /// <summary>The failure that <paramref name="reason"/> is; one that nobody knows is a reset.</summary>
    public static FailureKind ToFailureKind(this VshpReason reason) => reason switch
    {
        VshpReason.Bug or VshpReason.Protocol or VshpReason.Version or VshpReason.FlowControl => FailureKind.Protocol,
        VshpReason.Authentication or VshpReason.PairingDeclined or VshpReason.Revoked => FailureKind.Authentication,
        VshpReason.Untrusted or VshpReason.PairingSecret or VshpReason.PairingExpired => FailureKind.Untrusted,
        VshpReason.Refused => FailureKind.Refused,
        VshpReason.HostUnreachable => FailureKind.HostUnreachable,
        VshpReason.NetworkUnreachable => FailureKind.NetworkUnreachable,
        VshpReason.TimedOut => FailureKind.TimedOut,
        VshpReason.NameNotFound => FailureKind.NameNotFound,
        VshpReason.NotCarried => FailureKind.NotCarried,
        VshpReason.Prohibited => FailureKind.Prohibited,
        VshpReason.LimitReached => FailureKind.LimitReached,
        VshpReason.ExitUnreachable or VshpReason.ShuttingDown or VshpReason.SessionLost or VshpReason.TicketUnknown or VshpReason.TicketUsed => FailureKind.ExitUnreachable,
        _ => FailureKind.Reset,
    };

    /// <summary>What a gateway says of a failure of its own.</summary>
    public static VshpReason ToVshpReason(this FailureKind kind) => kind switch
    {
        FailureKind.Bug => VshpReason.Bug,
        FailureKind.Authentication => VshpReason.Authentication,
        FailureKind.Untrusted => VshpReason.Untrusted,
        FailureKind.ExitUnreachable => VshpReason.ExitUnreachable,
        FailureKind.Refused => VshpReason.Refused,
        FailureKind.HostUnreachable => VshpReason.HostUnreachable,
        FailureKind.NetworkUnreachable => VshpReason.NetworkUnreachable,
        FailureKind.TimedOut => VshpReason.TimedOut,
        FailureKind.NameNotFound => VshpReason.NameNotFound,
        FailureKind.NotCarried => VshpReason.NotCarried,
        FailureKind.Prohibited or FailureKind.Privilege => VshpReason.Prohibited,
        FailureKind.Reset => VshpReason.Reset,
        FailureKind.LimitReached => VshpReason.LimitReached,
        FailureKind.Protocol => VshpReason.Protocol,
        _ => VshpReason.ExitUnreachable,
    };

    /// <summary>The reason that a number on the wire means.</summary>
    internal static VshpReason FromWire(ushort number) => number <= (ushort)VshpReason.PairingDeclined ? (VshpReason)number : VshpReason.Reset;
}
