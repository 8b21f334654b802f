using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Fuzz.Targets;

/// <summary>The header a device puts in front of a packet is believed only where the packet bears it out.</summary>
internal sealed class VirtioTarget : IFuzzTarget
{
    private VirtioTarget()
    {
    }

    public static FuzzTarget Entry { get; } = new(
        "virtio", "the virtio-net header in front of a packet", Corpus, _ => new VirtioTarget());

    public void Run(ReadOnlySpan<byte> input)
    {
        int length = Math.Min(input.Length, VirtioNetHeader.Size);
        ReadOnlySpan<byte> header = input[..length], packet = input[length..];
        if (!VirtioNetHeader.TryRead(header, packet, out PacketOffload offload))
        {
            Expect.That(offload == default, "a refused header promises nothing");
            return;
        }

        Expect.That(offload.SegmentSize == 0 || offload.Checksum == ChecksumState.Partial, "segmentation goes with a checksum to complete");
        if ((header[0] & 1) != 0)
        {
            int start = BinaryPrimitives.ReadUInt16LittleEndian(header[6..]), offset = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]);
            Expect.That(start + offset + 2 <= packet.Length, "the checksum is within the packet");
        }

        if (offload.SegmentSize != 0 && IpHeader.TryParse(packet, out IpHeader ip))
        {
            Expect.That(ip.Protocol is IpProtocol.Tcp or IpProtocol.Udp, "only TCP and UDP are segmented");
        }
    }

    public void Finish()
    {
        // Nothing is kept from input to input.
    }

    private static List<byte[]> Corpus()
    {
        List<byte[]> inputs = [];
        Span<byte> header = stackalloc byte[VirtioNetHeader.Size];
        foreach (byte[] packet in PacketCorpus.Make())
        {
            Expect.That(IpHeader.TryParse(packet, out IpHeader ip), "a sample is a packet");
            bool canLeave = !ip.IsFragment && ip.Protocol is IpProtocol.Tcp or IpProtocol.Udp && ip.HeaderLength == (ip.Version == 4 ? 20 : 40);
            int headers = ip.HeaderLength + (ip.Protocol == IpProtocol.Tcp ? (packet[ip.HeaderLength + 12] >> 4) * 4 : 8);
            PacketOffload offload = canLeave ? new PacketOffload(ChecksumState.Partial, 100) : default;
            VirtioNetHeader.Write(header, new OutgoingPacket(packet.AsSpan(0, headers), packet.AsSpan(headers), offload));
            inputs.Add([.. header, .. packet]);
        }

        return inputs;
    }
}
