using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;
using Culvert.Platform.Links;

namespace Culvert.Tests.Probe;

/// <summary>Answers ICMP echo requests of both families, whoever they are for.</summary>
internal static class EchoAnswers
{
    public static void Give(ILink link, Func<bool> ended)
    {
        PacketPool pool = new();
        PacketBuffer buffer = pool.Rent(link.Offloads ? PacketPool.LargeSize : Math.Max(link.Mtu, PacketPool.SmallSize));
        while (!ended())
        {
            while (link.TryRead(buffer))
            {
                if (TryAnswer(buffer.Span))
                {
                    link.TryWrite(new OutgoingPacket(buffer.Span, default, default));
                }
            }

            link.Wait(-1);
        }

        buffer.Release();
    }

    /// <summary>Turns an echo request into its answer in place; false for any other packet.</summary>
    public static bool TryAnswer(Span<byte> packet)
    {
        bool v4 = packet.Length >= 28 && packet[0] == 0x45 && packet[9] == 1 && packet[20] == 8;
        bool v6 = packet.Length >= 48 && packet[0] >> 4 == 6 && packet[6] == 58 && packet[40] == 128;
        if (!v4 && !v6)
        {
            return false;
        }

        int source = v4 ? 12 : 8;
        int size = v4 ? 4 : 16;
        Span<byte> kept = stackalloc byte[size];
        packet.Slice(source, size).CopyTo(kept);
        packet.Slice(source + size, size).CopyTo(packet[source..]);
        kept.CopyTo(packet[(source + size)..]);

        // The type changes by 8 (v4, to 0) or by one (v6, to 129); the sums stand for everything else already (RFC 1624).
        int icmp = v4 ? 20 : 40;
        int change = v4 ? -0x0800 : 0x0100;
        packet[icmp] = v4 ? (byte)0 : (byte)129;
        int sum = BinaryPrimitives.ReadUInt16BigEndian(packet[(icmp + 2)..]) - change;
        sum = sum > 0xFFFF ? sum - 0xFFFF : sum < 0 ? sum + 0xFFFF : sum;
        BinaryPrimitives.WriteUInt16BigEndian(packet[(icmp + 2)..], (ushort)sum);
        return true;
    }
}
