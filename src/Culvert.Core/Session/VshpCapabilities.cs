using System;

namespace Culvert.Core.Session;

/// <summary>What a side carries besides streams; a session has what both have.</summary>
[Flags]
public enum VshpCapabilities : uint
{
    /// <summary>Streams only.</summary>
    None = 0,

    /// <summary>UDP associations.</summary>
    Datagrams = 0x01,

    /// <summary>DNS messages.</summary>
    Resolve = 0x02,

    /// <summary>ICMP echo.</summary>
    Echo = 0x04,

    /// <summary>Streams to unix sockets.</summary>
    UnixSockets = 0x08,

    /// <summary>IP packets.</summary>
    Packets = 0x10,

    /// <summary>The session outlives its transport.</summary>
    Resume = 0x20,
}
