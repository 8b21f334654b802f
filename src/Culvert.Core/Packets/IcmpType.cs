namespace Culvert.Core.Packets;

/// <summary>ICMP message types (RFC 792; with V6 in their name: RFC 4443).</summary>
public static class IcmpType
{
    /// <summary>IPv4 echo reply.</summary>
    public const byte EchoReply = 0;

    /// <summary>IPv4 destination unreachable.</summary>
    public const byte Unreachable = 3;

    /// <summary>IPv4 echo request.</summary>
    public const byte EchoRequest = 8;

    /// <summary>IPv6 destination unreachable.</summary>
    public const byte UnreachableV6 = 1;

    /// <summary>IPv6 packet too big.</summary>
    public const byte TooBigV6 = 2;

    /// <summary>IPv6 parameter problem.</summary>
    public const byte ParameterProblemV6 = 4;

    /// <summary>IPv6 echo request.</summary>
    public const byte EchoRequestV6 = 128;

    /// <summary>IPv6 echo reply.</summary>
    public const byte EchoReplyV6 = 129;

    internal const byte SourceQuench = 4;
    internal const byte Redirect = 5;
    internal const byte TimeExceeded = 11;
    internal const byte ParameterProblem = 12;
    internal const byte RedirectV6 = 137;
}
