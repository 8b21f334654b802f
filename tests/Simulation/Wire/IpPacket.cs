using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;

namespace Culvert.Tests.Simulation.Wire;

/// <summary>An IPv4 (RFC 791) or IPv6 (RFC 8200, fragment header only) packet taken apart, and put together.</summary>
internal sealed record IpPacket(IpAddr Source, IpAddr Destination, byte Protocol, ReadOnlyMemory<byte> Payload)
{
    public const byte Icmp4 = 1;
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Fragment6 = 44;
    public const byte Icmp6 = 58;

    public byte HopLimit { get; init; } = 64;

    public bool DontFragment { get; init; } = true;

    public uint Id { get; init; }

    /// <summary>In bytes.</summary>
    public int FragmentOffset { get; init; }

    public bool MoreFragments { get; init; }

    public bool IsFragment => MoreFragments || FragmentOffset > 0;

    public bool IsV4 => Source.IsV4;

    /// <summary>Null for what a careful receiver drops.</summary>
    public static IpPacket? Parse(ReadOnlyMemory<byte> packet)
    {
        ReadOnlySpan<byte> bytes = packet.Span;
        if (bytes.Length < 20)
        {
            return null;
        }

        if (bytes[0] >> 4 == 4)
        {
            int header = (bytes[0] & 15) * 4;
            int total = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            if (header < 20 || total < header || total > bytes.Length || Sum.Finish(Sum.Add(0, bytes[..header])) != 0)
            {
                return null;
            }

            int fragment = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]);
            return new IpPacket(IpAddr.Read(bytes.Slice(12, 4)), IpAddr.Read(bytes.Slice(16, 4)), bytes[9], packet[header..total])
            {
                HopLimit = bytes[8],
                DontFragment = (fragment & 0x4000) != 0,
                MoreFragments = (fragment & 0x2000) != 0,
                FragmentOffset = (fragment & 0x1FFF) * 8,
                Id = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]),
            };
        }

        if (bytes[0] >> 4 != 6 || bytes.Length < 40)
        {
            return null;
        }

        int end = 40 + BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (end > bytes.Length)
        {
            return null;
        }

        IpPacket plain = new(IpAddr.Read(bytes.Slice(8, 16)), IpAddr.Read(bytes.Slice(24, 16)), bytes[6], packet[40..end]) { HopLimit = bytes[7] };
        if (plain.Source.IsV4 || plain.Destination.IsV4)
        {
            return null;
        }

        if (plain.Protocol != Fragment6)
        {
            return plain;
        }

        if (end < 48)
        {
            return null;
        }

        int place = BinaryPrimitives.ReadUInt16BigEndian(bytes[42..]);
        return plain with
        {
            Protocol = bytes[40],
            Payload = packet[48..end],
            DontFragment = false,
            FragmentOffset = place & 0xFFF8,
            MoreFragments = (place & 1) != 0,
            Id = BinaryPrimitives.ReadUInt32BigEndian(bytes[44..]),
        };
    }

    public byte[] Build()
    {
        int header = IsV4 ? 20 : IsFragment ? 48 : 40;
        byte[] bytes = new byte[header + Payload.Length];
        Payload.Span.CopyTo(bytes.AsSpan(header));
        if (IsV4)
        {
            bytes[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)bytes.Length);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)Id);
            int flags = (DontFragment ? 0x4000 : 0) | (MoreFragments ? 0x2000 : 0) | (FragmentOffset / 8);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)flags);
            bytes[8] = HopLimit;
            bytes[9] = Protocol;
            Source.Write(bytes.AsSpan(12));
            Destination.Write(bytes.AsSpan(16));
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), Sum.Finish(Sum.Add(0, bytes.AsSpan(0, 20))));
            return bytes;
        }

        bytes[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)(bytes.Length - 40));
        bytes[6] = IsFragment ? Fragment6 : Protocol;
        bytes[7] = HopLimit;
        Source.Write(bytes.AsSpan(8));
        Destination.Write(bytes.AsSpan(24));
        if (IsFragment)
        {
            bytes[40] = Protocol;
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(42), (ushort)(FragmentOffset | (MoreFragments ? 1 : 0)));
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(44), Id);
        }

        return bytes;
    }

    /// <summary>The sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).</summary>
    public static uint PseudoSum(IpAddr source, IpAddr destination, byte protocol, int length)
    {
        Span<byte> pseudo = stackalloc byte[40];
        int size = source.Size;
        source.Write(pseudo);
        destination.Write(pseudo[size..]);
        BinaryPrimitives.WriteUInt32BigEndian(pseudo[(2 * size)..], (uint)length);
        BinaryPrimitives.WriteUInt32BigEndian(pseudo[((2 * size) + 4)..], protocol);
        return Sum.Add(0, pseudo[..((2 * size) + 8)]);
    }

    /// <summary>Whether the transport's checksum over the whole payload is right.</summary>
    public bool ChecksumHolds() =>
        Sum.Finish(Sum.Add(Protocol == Icmp4 ? 0 : PseudoSum(Source, Destination, Protocol, Payload.Length), Payload.Span)) == 0;
}
