using System;

namespace Culvert.Core.Packets;

/// <summary>
/// A packet the stack wants written to the link, in two parts for a gathering write: headers, built in a scratch buffer of the
/// caller, and payload, borrowed from the flow that keeps it until it is acknowledged. Both are valid until the next call into the stack.
/// </summary>
public readonly ref struct OutgoingPacket
{
    /// <summary>A packet of these two parts.</summary>
    public OutgoingPacket(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, PacketOffload offload)
    {
        Header = header;
        Payload = payload;
        Offload = offload;
    }

    /// <summary>IP and transport header (for ICMP: the whole packet).</summary>
    public ReadOnlySpan<byte> Header { get; }

    /// <summary>The bytes behind the header; may be empty.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>What is left to the device; <c>default</c> on a link without offloads.</summary>
    public PacketOffload Offload { get; }

    /// <summary>Bytes of the whole packet.</summary>
    public int Length => Header.Length + Payload.Length;
}
