using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>Builds ICMP errors about packets.</summary>
internal static class IcmpError
{
    /// <summary>Bytes of the longest error about an IPv4 packet (RFC 1812 section 4.3.2.3).</summary>
    public const int MaxV4 = 576;

    /// <summary>Bytes of the longest error about an IPv6 packet: the least MTU (RFC 4443 section 2.4 (c)).</summary>
    public const int MaxV6 = 1280;

    /// <summary>
    /// Whether an error may be sent about the packet: not about an ICMP error, a fragment but the first, or one from or to no single host (RFC 1122
    /// section 3.2.2, RFC 4443 section 2.4 (e)). How often is the caller's to limit.
    /// </summary>
    public static bool IsAllowed(in IpHeader ip, ReadOnlySpan<byte> packet)
    {
        if (ip.FragmentOffset != 0 || ip.IsToMany || !ip.IsValidSource)
        {
            return false;
        }

        bool isIcmp = ip.Protocol == (ip.Version == 4 ? IpProtocol.Icmp : IpProtocol.IcmpV6);
        return !isIcmp || (ip.PayloadLength > 0 && !IcmpHeader.IsError(ip.Version, packet[ip.HeaderLength]));
    }

    /// <summary>
    /// Writes a whole packet from <paramref name="sender"/> to the source of <paramref name="packet"/> (<paramref name="ip"/> being its header) that tells it of
    /// the error; <paramref name="mtu"/> goes with <see cref="IcmpErrorKind.TooBig"/>. Returns its length, at most <see cref="MaxV6"/>; 0 when no error may be
    /// sent about the packet.
    /// </summary>
    public static int Write(Span<byte> bytes, in IpHeader ip, ReadOnlySpan<byte> packet, IpAddr sender, IcmpErrorKind kind, int mtu = 0)
    {
        if (!IsAllowed(ip, packet))
        {
            return 0;
        }

        bool v4 = ip.Version == 4;
        (byte type, byte code) = v4 ? TypeV4(kind) : TypeV6(kind);
        int header = v4 ? IpHeader.V4Size : IpHeader.V6Size;
        int quoted = Math.Min(ip.TotalLength, (v4 ? MaxV4 : MaxV6) - header - IcmpHeader.Size);
        byte protocol = v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        IpWriter.Write(bytes, sender, ip.Source, protocol, IcmpHeader.Size + quoted);

        Span<byte> message = bytes.Slice(header, IcmpHeader.Size + quoted);
        message[0] = type;
        message[1] = code;
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], 0);
        uint rest = kind switch
        {
            IcmpErrorKind.TooBig => v4 ? (uint)Math.Min(mtu, ushort.MaxValue) : (uint)mtu,
            IcmpErrorKind.ProtocolUnreachable when !v4 => (uint)ExtensionHeaders.LastNextHeader(packet, ip.HeaderLength),
            _ => 0,
        };
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], rest);
        packet[..quoted].CopyTo(message[IcmpHeader.Size..]);
        ushort checksum = v4 ? Checksum.Compute(message) : Checksum.Transport(sender, ip.Source, protocol, message, default);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], checksum);
        return header + message.Length;
    }

    private static (byte Type, byte Code) TypeV4(IcmpErrorKind kind) => (IcmpType.Unreachable, kind switch
    {
        IcmpErrorKind.NetworkUnreachable => 0,
        IcmpErrorKind.HostUnreachable => 1,
        IcmpErrorKind.ProtocolUnreachable => 2,
        IcmpErrorKind.PortUnreachable => 3,
        IcmpErrorKind.TooBig => 4,
        IcmpErrorKind.Prohibited => 13,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    });

    private static (byte Type, byte Code) TypeV6(IcmpErrorKind kind) => kind switch
    {
        IcmpErrorKind.NetworkUnreachable => (IcmpType.UnreachableV6, 0),
        IcmpErrorKind.Prohibited => (IcmpType.UnreachableV6, 1),
        IcmpErrorKind.HostUnreachable => (IcmpType.UnreachableV6, 3),
        IcmpErrorKind.PortUnreachable => (IcmpType.UnreachableV6, 4),
        IcmpErrorKind.TooBig => (IcmpType.TooBigV6, 0),
        IcmpErrorKind.ProtocolUnreachable => (IcmpType.ParameterProblemV6, 1),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}

/// <summary>The ICMP errors that are sent (RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3).</summary>
internal enum IcmpErrorKind : byte
{
    /// <summary>No way to the network: IPv4 type 3 code 0, IPv6 type 1 code 0.</summary>
    NetworkUnreachable,

    /// <summary>No way to the host: IPv4 type 3 code 1, IPv6 type 1 code 3.</summary>
    HostUnreachable,

    /// <summary>Nobody there speaks the protocol: IPv4 type 3 code 2, IPv6 type 4 code 1.</summary>
    ProtocolUnreachable,

    /// <summary>Nobody listens on the port: IPv4 type 3 code 3, IPv6 type 1 code 4.</summary>
    PortUnreachable,

    /// <summary>A rule forbids it: IPv4 type 3 code 13, IPv6 type 1 code 1.</summary>
    Prohibited,

    /// <summary>Longer than the path takes: IPv4 type 3 code 4 (RFC 1191), IPv6 type 2.</summary>
    TooBig,
}
