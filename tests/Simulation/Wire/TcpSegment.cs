using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Tests.Simulation.Wire;

[Flags]
internal enum Bits : byte
{
    None = 0,
    Fin = 1,
    Syn = 2,
    Rst = 4,
    Psh = 8,
    Ack = 16,
    Urg = 32,
}

/// <summary>A TCP segment (RFC 9293 section 3.1; options of RFC 7323 and RFC 2018) taken apart, and put together.</summary>
internal sealed record TcpSegment
{
    public IpEndpoint Source { get; init; }

    public IpEndpoint Destination { get; init; }

    public uint Sequence { get; init; }

    public uint Acknowledgment { get; init; }

    public Bits Flags { get; init; }

    public ushort Window { get; init; }

    public ushort? Mss { get; init; }

    public byte? Scale { get; init; }

    public bool SackPermitted { get; init; }

    public (uint Value, uint Echo)? Timestamp { get; init; }

    public IReadOnlyList<(uint From, uint To)> Sacks { get; init; } = [];

    public ReadOnlyMemory<byte> Payload { get; init; }

    public bool Has(Bits flags) => (Flags & flags) != 0;

    /// <summary>What the segment takes of the sequence space.</summary>
    public int Space => Payload.Length + (Has(Bits.Syn) ? 1 : 0) + (Has(Bits.Fin) ? 1 : 0);

    public static TcpSegment? Parse(IpPacket packet)
    {
        ReadOnlySpan<byte> bytes = packet.Payload.Span;
        if (packet.Protocol != IpPacket.Tcp || packet.IsFragment || bytes.Length < 20)
        {
            return null;
        }

        int header = (bytes[12] >> 4) * 4;
        if (header < 20 || header > bytes.Length)
        {
            return null;
        }

        TcpSegment segment = new()
        {
            Source = new IpEndpoint(packet.Source, BinaryPrimitives.ReadUInt16BigEndian(bytes)),
            Destination = new IpEndpoint(packet.Destination, BinaryPrimitives.ReadUInt16BigEndian(bytes[2..])),
            Sequence = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]),
            Acknowledgment = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]),
            Flags = (Bits)(bytes[13] & 63),
            Window = BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]),
            Payload = packet.Payload[header..],
        };
        return Options(segment, bytes[20..header]);
    }

    /// <summary>The whole IP packet, checksums in place.</summary>
    public byte[] Build() => Packet().Build();

    /// <summary>The IP packet around it.</summary>
    public IpPacket Packet()
    {
        Span<byte> options = stackalloc byte[64];
        int size = WriteOptions(options);
        byte[] bytes = new byte[20 + size + Payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, Source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), Destination.Port);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), Acknowledgment);
        bytes[12] = (byte)((20 + size) / 4 << 4);
        bytes[13] = (byte)Flags;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(14), Window);
        options[..size].CopyTo(bytes.AsSpan(20));
        Payload.Span.CopyTo(bytes.AsSpan(20 + size));
        uint sum = IpPacket.PseudoSum(Source.Address, Destination.Address, IpPacket.Tcp, bytes.Length);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(16), Sum.Finish(Sum.Add(sum, bytes)));
        return new IpPacket(Source.Address, Destination.Address, IpPacket.Tcp, bytes);
    }

    private static TcpSegment? Options(TcpSegment segment, ReadOnlySpan<byte> options)
    {
        List<(uint, uint)> sacks = [];
        for (int i = 0; i < options.Length && options[i] != 0;)
        {
            if (options[i] == 1)
            {
                i++;
                continue;
            }

            if (i + 1 >= options.Length || options[i + 1] < 2 || i + options[i + 1] > options.Length)
            {
                return null;
            }

            ReadOnlySpan<byte> value = options.Slice(i + 2, options[i + 1] - 2);
            switch (options[i], value.Length)
            {
                case (2, 2):
                    segment = segment with { Mss = BinaryPrimitives.ReadUInt16BigEndian(value) };
                    break;
                case (3, 1):
                    segment = segment with { Scale = value[0] };
                    break;
                case (4, 0):
                    segment = segment with { SackPermitted = true };
                    break;
                case (5, _) when value.Length % 8 == 0:
                    for (int b = 0; b < value.Length; b += 8)
                    {
                        sacks.Add((BinaryPrimitives.ReadUInt32BigEndian(value[b..]), BinaryPrimitives.ReadUInt32BigEndian(value[(b + 4)..])));
                    }

                    break;
                case (8, 8):
                    segment = segment with { Timestamp = (BinaryPrimitives.ReadUInt32BigEndian(value), BinaryPrimitives.ReadUInt32BigEndian(value[4..])) };
                    break;
                default:
                    return null;
            }

            i += options[i + 1];
        }

        return sacks.Count == 0 ? segment : segment with { Sacks = sacks };
    }

    private int WriteOptions(Span<byte> options)
    {
        int size = 0;
        if (Mss is ushort mss)
        {
            options[size] = 2;
            options[size + 1] = 4;
            BinaryPrimitives.WriteUInt16BigEndian(options[(size + 2)..], mss);
            size += 4;
        }

        if (Scale is byte scale)
        {
            options[size] = 3;
            options[size + 1] = 3;
            options[size + 2] = scale;
            size += 3;
        }

        if (SackPermitted)
        {
            options[size] = 4;
            options[size + 1] = 2;
            size += 2;
        }

        if (Timestamp is (uint value, uint echo))
        {
            options[size] = 8;
            options[size + 1] = 10;
            BinaryPrimitives.WriteUInt32BigEndian(options[(size + 2)..], value);
            BinaryPrimitives.WriteUInt32BigEndian(options[(size + 6)..], echo);
            size += 10;
        }

        int room = Math.Min(Sacks.Count, (40 - size - 2) / 8);
        if (room > 0)
        {
            options[size] = 5;
            options[size + 1] = (byte)(2 + (8 * room));
            for (int i = 0; i < room; i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(options[(size + 2 + (8 * i))..], Sacks[i].From);
                BinaryPrimitives.WriteUInt32BigEndian(options[(size + 6 + (8 * i))..], Sacks[i].To);
            }

            size += 2 + (8 * room);
        }

        while (size % 4 != 0)
        {
            options[size++] = 1; // NOP; the order and padding differ from ours on purpose
        }

        return size;
    }
}
