using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;

namespace Culvert.Tests.Simulation.Wire;

/// <summary>An ICMP (RFC 792) or ICMPv6 (RFC 4443) message: the four bytes behind the checksum, and the rest.</summary>
internal sealed record IcmpMessage(IpAddr Source, IpAddr Destination, byte Type, byte Code, uint Word, ReadOnlyMemory<byte> Rest)
{
    public bool IsEchoReply => Type == (Source.IsV4 ? 0 : 129);

    public bool IsError => Source.IsV4 ? Type is 3 or 4 or 5 or 11 or 12 : Type < 128;

    public static IcmpMessage? Parse(IpPacket packet)
    {
        ReadOnlySpan<byte> bytes = packet.Payload.Span;
        return packet.Protocol != (packet.IsV4 ? IpPacket.Icmp4 : IpPacket.Icmp6) || bytes.Length < 8
            ? null
            : new IcmpMessage(packet.Source, packet.Destination, bytes[0], bytes[1], BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), packet.Payload[8..]);
    }

    public IpPacket Packet()
    {
        byte[] bytes = new byte[8 + Rest.Length];
        bytes[0] = Type;
        bytes[1] = Code;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Word);
        Rest.Span.CopyTo(bytes.AsSpan(8));
        byte protocol = Source.IsV4 ? IpPacket.Icmp4 : IpPacket.Icmp6;
        uint sum = Source.IsV4 ? 0 : IpPacket.PseudoSum(Source, Destination, protocol, bytes.Length);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), Sum.Finish(Sum.Add(sum, bytes)));
        return new IpPacket(Source, Destination, protocol, bytes) { DontFragment = false };
    }
}
