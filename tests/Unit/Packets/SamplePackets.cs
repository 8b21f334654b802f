using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Tests.Unit.Packets;

/// <summary>Valid packets to test with, whole, made by our own writers.</summary>
internal static class SamplePackets
{
    public static readonly IpEndpoint ClientV4 = new(IpAddr.FromV4(0x0A000002), 40000);
    public static readonly IpEndpoint ServerV4 = new(IpAddr.FromV4(0xC0000207), 443);
    public static readonly IpEndpoint ClientV6 = new(IpAddr.From(System.Net.IPAddress.Parse("fd00::2")), 40000);
    public static readonly IpEndpoint ServerV6 = new(IpAddr.From(System.Net.IPAddress.Parse("2001:db8::7")), 443);

    public static IpEndpoint Client(bool v4) => v4 ? ClientV4 : ClientV6;

    public static IpEndpoint Server(bool v4) => v4 ? ServerV4 : ServerV6;

    /// <summary>Bytes that differ from their neighbours and from those a block's length away.</summary>
    public static byte[] Payload(int length)
    {
        byte[] payload = new byte[length];
        for (int i = 0; i < length; i++)
        {
            payload[i] = (byte)(i * 7 + (i >> 8) * 13);
        }

        return payload;
    }

    public static byte[] Tcp(bool v4, TcpHeader tcp, int payloadLength = 0)
    {
        byte[] payload = Payload(payloadLength);
        Span<byte> header = stackalloc byte[TcpHeader.MaxSize];
        header = header[..tcp.Write(header)];
        BinaryPrimitives.WriteUInt16BigEndian(
            header[16..], Checksum.Transport(Client(v4).Address, Server(v4).Address, IpProtocol.Tcp, header, payload));
        return Ip(v4, IpProtocol.Tcp, header, payload);
    }

    public static byte[] Udp(bool v4, int payloadLength)
    {
        byte[] payload = Payload(payloadLength);
        Span<byte> header = stackalloc byte[UdpHeader.Size];
        UdpHeader.Write(header, Client(v4), Server(v4), payload);
        return Ip(v4, IpProtocol.Udp, header, payload);
    }

    public static byte[] Echo(bool v4, int payloadLength, ushort id = 7, ushort sequence = 1)
    {
        byte protocol = v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        byte[] message = [v4 ? IcmpType.EchoRequest : IcmpType.EchoRequestV6, 0, 0, 0, 0, 0, 0, 0, .. Payload(payloadLength)];
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(4), id);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(6), sequence);
        ushort checksum = v4 ? Checksum.Compute(message) : Checksum.Transport(ClientV6.Address, ServerV6.Address, protocol, message, default);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), checksum);
        return Ip(v4, protocol, message, default);
    }

    /// <summary>The IPv4 packet with option bytes (a multiple of 4) behind its header.</summary>
    public static byte[] WithOptions(byte[] packet, params byte[] options)
    {
        byte[] longer = [.. packet[..20], .. options, .. packet[20..]];
        longer[0] = (byte)(0x45 + (options.Length / 4));
        BinaryPrimitives.WriteUInt16BigEndian(longer.AsSpan(2), (ushort)longer.Length);
        IpWriter.SetHeaderChecksum(longer.AsSpan(0, 20 + options.Length));
        return longer;
    }

    /// <summary>The IPv6 packet with extension headers put behind its first; the first byte of each is set here, the second is its length.</summary>
    public static byte[] WithExtensions(byte[] packet, params (byte Kind, byte[] Header)[] extensions)
    {
        List<byte> longer = [.. packet[..40]];
        int field = 6;
        byte last = packet[6];
        foreach ((byte kind, byte[] header) in extensions)
        {
            longer[field] = kind;
            field = longer.Count;
            longer.AddRange(header);
        }

        longer[field] = last;
        longer.AddRange(packet[40..]);
        byte[] bytes = [.. longer];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)(bytes.Length - 40));
        return bytes;
    }

    /// <summary>A UDP datagram in fragments.</summary>
    public static List<byte[]> UdpFragments(bool v4, int payloadLength, int mtu, uint id)
    {
        byte[] whole = Udp(v4, payloadLength);
        int header = v4 ? 20 : 40;
        Fragmenter fragmenter = new(Client(v4).Address, Server(v4).Address, IpProtocol.Udp, mtu, id);
        List<byte[]> fragments = [];
        byte[] scratch = new byte[128];
        while (fragmenter.TryNext(scratch, whole.AsSpan(header, UdpHeader.Size), whole.AsSpan(header + UdpHeader.Size), out OutgoingPacket packet))
        {
            fragments.Add([.. packet.Header, .. packet.Payload]);
        }

        return fragments;
    }

    /// <summary>One fragment of any content.</summary>
    public static byte[] Fragment(bool v4, byte protocol, int offset, ReadOnlySpan<byte> part, bool more, uint id = 1)
    {
        byte[] bytes = new byte[IpHeader.V6Size + IpWriter.FragmentHeaderSize];
        int header = IpWriter.WriteFragment(bytes, Client(v4).Address, Server(v4).Address, protocol, part.Length, id, offset, more);
        return [.. bytes[..header], .. part];
    }

    private static byte[] Ip(bool v4, byte protocol, ReadOnlySpan<byte> transport, ReadOnlySpan<byte> payload)
    {
        byte[] header = new byte[IpWriter.HeaderSize(Client(v4).Address)];
        IpWriter.Write(header, Client(v4).Address, Server(v4).Address, protocol, transport.Length + payload.Length, id: 0x1234);
        return [.. header, .. transport, .. payload];
    }
}
