namespace Culvert.Core.Packets;

/// <summary>The ICMP errors that are sent (RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3).</summary>
internal enum IcmpErrorKind : byte
{
    /// <summary>No way to the network: IPv4 type 3 code 0, IPv6 type 1 code 0.</summary>
    NetworkUnreachable,

    /// <summary>No way to the host: IPv4 type 3 code 1, IPv6 type 1 code 3.</summary>
    HostUnreachable,

    /// <summary>Nobody there speaks the protocol: IPv4 type 3 code 2, IPv6 type 4 code 1.</summary>
    ProtocolUnreachable,

    /// <summary>Nobody listens on the port: IPv4 type 3 code 3, IPv6 type 1 code 4.</summary>
    PortUnreachable,

    /// <summary>A rule forbids it: IPv4 type 3 code 13, IPv6 type 1 code 1.</summary>
    Prohibited,

    /// <summary>Longer than the path takes: IPv4 type 3 code 4 (RFC 1191), IPv6 type 2.</summary>
    TooBig,
}
