namespace Culvert.Gateway;

/// <summary>What a rule speaks of, and what a device asks for.</summary>
internal enum PolicyProtocol
{
    /// <summary>Everything; in rules only.</summary>
    Any,

    /// <summary>TCP connections.</summary>
    Tcp,

    /// <summary>UDP datagrams.</summary>
    Udp,

    /// <summary>ICMP echo, which has no port.</summary>
    Ping,
}
