namespace Culvert.Core.Packets;

/// <summary>
/// What a link's device and the stack leave to each other: the meaning of a virtio-net header (virtio 1.2, section
/// 5.1.6), without its layout.
/// </summary>
/// <param name="Checksum">Whether the transport checksum is in place.</param>
/// <param name="SegmentSize">Payload bytes of each TCP segment, or UDP datagram, when this packet is a super-segment (GSO), else 0.</param>
public readonly record struct PacketOffload(ChecksumState Checksum, ushort SegmentSize);

/// <summary>What is known of the transport checksum of a packet between a link and the stack.</summary>
public enum ChecksumState : byte
{
    /// <summary>Receive: must be verified. Transmit: complete.</summary>
    Complete,

    /// <summary>Receive: the device vouches for it. Transmit: only the pseudo-header's sum is in place; the device completes it.</summary>
    Partial,
}
