using System;
using System.Buffers;
using System.Buffers.Binary;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>A device that tells nonsense in front of its packets: what it says may cost the packet, and nothing else.</summary>
public sealed class DamagedOffloadTests
{
    private const int Segments = 2_000;

    /// <summary>Chances that a segment has to come with a header that is taken; damaged ones of three bytes and more nearly never are.</summary>
    private const int Tries = 200;

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void EveryByteStillArrivesInOrder(int seed, bool v6)
    {
        Random random = new(seed);
        using ScriptedPeer peer = new(new StackOptions { Offloads = true }, v6: v6);
        TcpFlow flow = peer.Connect();
        byte[] scratch = new byte[IpStack.HeaderRoom];
        byte[] header = new byte[VirtioNetHeader.Size];
        int refused = 0;
        int told = 0;
        for (int number = 0; number < Segments; number++)
        {
            byte[] payload = new byte[random.Next(1, 4_000)];
            random.NextBytes(payload);
            int tries = 0;
            for (; flow.Received.Length == 0; tries++)
            {
                Assert.True(tries < Tries, "a segment never gets through");
                PacketBuffer packet = Segment(peer, payload);
                WriteDamaged(header, packet, random);
                packet.Length -= random.Next(8) == 0 ? random.Next(packet.Length) : 0;
                if (VirtioNetHeader.TryRead(header, packet.Span, out PacketOffload offload))
                {
                    told += offload != default ? 1 : 0;
                    packet.Offload = offload;
                    peer.Stack.Receive(packet, peer.Now);
                }
                else
                {
                    refused++;
                    packet.Release();
                }
            }

            Assert.Equal(payload, flow.Received.ToArray());
            flow.Consume(payload.Length, peer.Now);
            peer.Sequence += (uint)payload.Length;
            peer.Now += 100;
            while (peer.Stack.TryTransmit(peer.Now, scratch, out OutgoingPacket _) || peer.Stack.TryNextEvent(out StackEvent _))
            {
                // Acknowledgments, and events for what has been read already.
            }
        }

        Assert.True(refused > Segments / 10, $"{refused} refused");
        Assert.True(told > Segments / 10, $"{told} with something left to the device");
        flow.Abort(peer.Now);
    }

    private static PacketBuffer Segment(ScriptedPeer peer, ReadOnlySpan<byte> payload)
    {
        TcpHeader tcp = new() { SourcePort = peer.Local.Port, DestinationPort = peer.Remote.Port, Sequence = peer.Sequence, Acknowledgment = peer.Expected, Flags = TcpFlags.Ack, Window = ushort.MaxValue };
        PacketBuffer packet = peer.Pool.Rent(PacketPool.LargeSize);
        int start = IpWriter.Write(packet.Array, peer.Local.Address, peer.Remote.Address, IpProtocol.Tcp, tcp.WrittenLength + payload.Length);
        int length = tcp.Write(packet.Array.AsSpan(start));
        payload.CopyTo(packet.Array.AsSpan(start + length));
        ushort checksum = Checksum.Transport(peer.Local.Address, peer.Remote.Address, IpProtocol.Tcp, packet.Array.AsSpan(start, length), payload);
        BinaryPrimitives.WriteUInt16BigEndian(packet.Array.AsSpan(start + TcpHeader.ChecksumOffset), checksum);
        packet.Length = start + length + payload.Length;
        return packet;
    }

    /// <summary>The header a device would write, up to four of its bytes then overwritten; or one of nothing but chance.</summary>
    private static void WriteDamaged(Span<byte> header, PacketBuffer packet, Random random)
    {
        if (random.Next(8) == 0)
        {
            random.NextBytes(header);
            return;
        }

        int headers = packet.Span[0] >> 4 == 4 ? IpHeader.V4Size : IpHeader.V6Size;
        headers += TcpHeader.MinSize;
        VirtioNetHeader.Write(header, new OutgoingPacket(packet.Span[..headers], packet.Span[headers..], new PacketOffload(ChecksumState.Partial, (ushort)random.Next(1, 1_461))));
        for (int damage = random.Next(4); damage > 0; damage--)
        {
            header[random.Next(header.Length)] = (byte)random.Next(256);
        }
    }
}
