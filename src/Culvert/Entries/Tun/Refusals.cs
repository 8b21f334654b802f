using Culvert.Core;
using Culvert.Core.Stack;

namespace Culvert.Entries.Tun;

/// <summary>The one place that says what an application behind the link is told when its exit failed.</summary>
internal static class Refusals
{
    /// <summary>For TCP: RST where a host refused, ICMP where there was no way; silence where the exit heard nothing either.</summary>
    public static Refusal ForTcp(FailureKind kind) => kind switch
    {
        FailureKind.Refused or FailureKind.Reset => Refusal.Refused,
        FailureKind.HostUnreachable or FailureKind.NameNotFound => Refusal.HostUnreachable,
        FailureKind.NetworkUnreachable or FailureKind.NotCarried => Refusal.NetworkUnreachable,
        FailureKind.Prohibited => Refusal.Prohibited,

        // The application's own time-out decides; its repeated SYN dials again.
        FailureKind.TimedOut => Refusal.Silent,

        // The exit is away or will not have us: refused at once, never around it (fail closed).
        _ => Refusal.HostUnreachable,
    };

    /// <summary>
    /// For UDP and ping: port unreachable is what every program understands at once (QUIC falls back to TCP), where host
    /// unreachable is a hint that sockets may ignore.
    /// </summary>
    public static Refusal ForDatagram(FailureKind kind) => kind switch
    {
        FailureKind.Prohibited => Refusal.Prohibited,
        FailureKind.TimedOut => Refusal.Silent,
        FailureKind.NetworkUnreachable => Refusal.NetworkUnreachable,
        FailureKind.HostUnreachable or FailureKind.NameNotFound => Refusal.HostUnreachable,
        _ => Refusal.Refused,
    };

    /// <summary>For ping: there is no port, so an exit without echo shows as an unreachable host.</summary>
    public static Refusal ForEcho(FailureKind kind) => kind switch
    {
        FailureKind.Prohibited => Refusal.Prohibited,
        FailureKind.TimedOut => Refusal.Silent,
        FailureKind.NetworkUnreachable => Refusal.NetworkUnreachable,
        _ => Refusal.HostUnreachable,
    };
}
