namespace Culvert.Core.Packets;

/// <summary>Numbers of the protocols above IP that Culvert knows (IANA, Assigned Internet Protocol Numbers).</summary>
public static class IpProtocol
{
    /// <summary>ICMP for IPv4 (RFC 792).</summary>
    public const byte Icmp = 1;

    /// <summary>TCP (RFC 9293).</summary>
    public const byte Tcp = 6;

    /// <summary>UDP (RFC 768).</summary>
    public const byte Udp = 17;

    /// <summary>ICMP for IPv6 (RFC 4443).</summary>
    public const byte IcmpV6 = 58;

    /// <summary>Nothing follows (RFC 8200 section 4.7).</summary>
    public const byte None = 59;

    internal const byte HopByHop = 0;
    internal const byte Routing = 43;
    internal const byte Fragment = 44;
    internal const byte DestinationOptions = 60;
}
