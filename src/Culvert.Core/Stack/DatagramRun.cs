using System;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>
/// Datagrams of one size from one endpoint to another, one behind the other in a block, the last perhaps shorter: one packet for a link that cuts them
/// (UDP_L4 of virtio 1.2 section 5.1.6), else a packet each.
/// </summary>
internal struct DatagramRun(IpEndpoint from, IpEndpoint to, PacketBuffer block, int segmentSize)
{
    /// <summary>Datagrams of a run that we make.</summary>
    public const int MaxDatagrams = 64;

    /// <summary>Datagrams of a run that a link may give us: what Linux makes at most (UDP_MAX_SEGMENTS).</summary>
    public const int MaxReceived = 128;

    /// <summary>Bytes of a run: what IPv4 leaves behind its own header and UDP's.</summary>
    public const int MaxBytes = ushort.MaxValue - IpHeader.V4Size - UdpHeader.Size;

    private int _sent;

    /// <summary>The datagrams; the holder's to release.</summary>
    public PacketBuffer Block { get; private set; } = block;

    /// <summary>How many datagrams <paramref name="bytes"/> of this segment size are.</summary>
    public static int Count(int bytes, int segmentSize) => (bytes + segmentSize - 1) / segmentSize;

    /// <summary>Whether another may stand behind.</summary>
    public readonly bool Takes(IpEndpoint source, IpEndpoint destination, int length) =>
        length > 0 && length <= segmentSize && Block.Length % segmentSize == 0 && Block.Length / segmentSize < MaxDatagrams && Block.Length + length <= MaxBytes
        && source == from && destination == to;

    /// <summary>Puts another datagram behind, in <paramref name="larger"/> (which becomes the block) where there is one.</summary>
    public void Append(ReadOnlySpan<byte> payload, PacketBuffer? larger)
    {
        if (larger is not null)
        {
            Block.Span.CopyTo(larger.Array);
            larger.Length = Block.Length;
            Block.Release();
            Block = larger;
        }

        payload.CopyTo(Block.Array.AsSpan(Block.Start + Block.Length));
        Block.Length += payload.Length;
    }

    /// <summary>Builds the next packet: all of the run, or one datagram; false when all are built.</summary>
    public bool TryNext(Span<byte> scratch, bool offloads, bool cuts, out OutgoingPacket packet)
    {
        if (_sent >= Block.Length && _sent > 0)
        {
            packet = default;
            return false;
        }

        int length = cuts ? Block.Length : Math.Min(segmentSize, Block.Length - _sent);
        ReadOnlySpan<byte> payload = Block.Span.Slice(_sent, length);
        ChecksumState checksum = offloads ? ChecksumState.Partial : ChecksumState.Complete;
        int header = IpWriter.Write(scratch, from.Address, to.Address, IpProtocol.Udp, UdpHeader.Size + length);
        header += UdpHeader.Write(scratch[header..], from, to, payload, checksum);
        packet = new OutgoingPacket(scratch[..header], payload, new PacketOffload(checksum, length > segmentSize ? (ushort)segmentSize : (ushort)0));
        _sent += Math.Max(1, length);
        return true;
    }
}
