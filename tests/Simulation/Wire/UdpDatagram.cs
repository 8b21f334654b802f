using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;

namespace Culvert.Tests.Simulation.Wire;

/// <summary>A UDP datagram (RFC 768).</summary>
internal sealed record UdpDatagram(IpEndpoint Source, IpEndpoint Destination, ReadOnlyMemory<byte> Payload)
{
    public static UdpDatagram? Parse(IpPacket packet)
    {
        ReadOnlySpan<byte> bytes = packet.Payload.Span;
        if (packet.Protocol != IpPacket.Udp || bytes.Length < 8 || BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]) != bytes.Length)
        {
            return null;
        }

        return new UdpDatagram(
            new IpEndpoint(packet.Source, BinaryPrimitives.ReadUInt16BigEndian(bytes)),
            new IpEndpoint(packet.Destination, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..])),
            packet.Payload[8..]);
    }

    public IpPacket Packet()
    {
        byte[] bytes = new byte[8 + Payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, Source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), Destination.Port);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)bytes.Length);
        Payload.Span.CopyTo(bytes.AsSpan(8));
        ushort sum = Sum.Finish(Sum.Add(IpPacket.PseudoSum(Source.Address, Destination.Address, IpPacket.Udp, bytes.Length), bytes));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), sum == 0 ? (ushort)0xFFFF : sum);
        return new IpPacket(Source.Address, Destination.Address, IpPacket.Udp, bytes) { DontFragment = false };
    }
}
