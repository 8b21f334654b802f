using Culvert.Core;
using Culvert.Core.Session;

namespace Culvert.Sessions;

/// <summary>The one place where reasons of VSHP become sentences; their kinds stand in <see cref="VshpReasons"/>.</summary>
internal static class SessionFailures
{
    /// <summary>The failure of <paramref name="what"/> ("The connection to …"), which starts the sentence.</summary>
    public static CulvertException Of(VshpReason reason, string what) => new(reason.ToFailureKind(), $"{what} failed: {Describe(reason)}.");

    /// <summary>The failure of a session as a whole. What the other side said is given as its words.</summary>
    public static CulvertException OfSession(VshpSession session) => new(
        session.EndReason.ToFailureKind(),
        session.EndedByPeer && session.EndText.Length > 0
            ? $"The session with the gateway is over: {Describe(session.EndReason)} (“{session.EndText.TrimEnd('.')}”)."
            : $"The session with the gateway is over: {Describe(session.EndReason)}.");

    private static string Describe(VshpReason reason) => reason switch
    {
        VshpReason.Bug => "the other side has a defect",
        VshpReason.Protocol or VshpReason.FlowControl => "the protocol was broken",
        VshpReason.Version => "the two sides speak no version in common; update the older one",
        VshpReason.Authentication => "the gateway does not know this device; pair with it first",
        VshpReason.Untrusted => "the other side is not who it should be",
        VshpReason.Refused => "nobody listens there",
        VshpReason.HostUnreachable => "the gateway has no route to the host",
        VshpReason.NetworkUnreachable => "the gateway cannot reach that network",
        VshpReason.TimedOut => "no answer in time",
        VshpReason.NameNotFound => "the name could not be resolved",
        VshpReason.NotCarried => "the gateway does not carry it",
        VshpReason.Prohibited => "the gateway forbids it",
        VshpReason.LimitReached => "a limit of the gateway is reached",
        VshpReason.ExitUnreachable => "the gateway cannot be reached",
        VshpReason.Idle => "it was silent for too long",
        VshpReason.ShuttingDown => "the gateway is going away",
        VshpReason.TicketUnknown => "the gateway was restarted, or has given the session up",
        VshpReason.TicketUsed => "somebody else went on with this session",
        VshpReason.Revoked => "the gateway trusts this device no longer",
        VshpReason.SessionLost => "the gateway was away for too long",
        VshpReason.Cancelled => "it was closed on the other side",
        _ => "it was reset by the far side",
    };
}
