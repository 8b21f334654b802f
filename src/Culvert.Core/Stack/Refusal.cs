namespace Culvert.Core.Stack;

/// <summary>How the stack tells an application that its connection, datagram or echo goes nowhere.</summary>
public enum Refusal : byte
{
    /// <summary>Nobody listens: RST for TCP, ICMP port unreachable for UDP.</summary>
    Refused,

    /// <summary>ICMP host unreachable (v4 type 3 code 1, v6 type 1 code 3).</summary>
    HostUnreachable,

    /// <summary>ICMP network unreachable (v4 type 3 code 0) or no route (v6 type 1 code 0).</summary>
    NetworkUnreachable,

    /// <summary>ICMP communication administratively prohibited (v4 type 3 code 13, v6 type 1 code 1).</summary>
    Prohibited,

    /// <summary>No answer at all: the application's own time-out decides.</summary>
    Silent,
}
