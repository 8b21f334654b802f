using System;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Core.Packets;

/// <summary>
/// An IPv4 or IPv6 address as a value: 128 bits, an IPv4 address being held in its IPv4-mapped form (RFC 4291 section
/// 2.5.5.2). A mapped address never stands on the wire of a link, so nothing is lost by that.
/// </summary>
public readonly record struct IpAddr
{
    private const ulong MappedPrefix = 0x0000_FFFF_0000_0000;

    private readonly ulong _high;
    private readonly ulong _low;

    private IpAddr(ulong high, ulong low)
    {
        _high = high;
        _low = low;
    }

    /// <summary>True for an IPv4 address.</summary>
    public bool IsV4 => _high == 0 && (_low & 0xFFFF_FFFF_0000_0000) == MappedPrefix;

    /// <summary>Bytes on the wire: 4 or 16.</summary>
    public int Size => IsV4 ? 4 : 16;

    /// <summary>The IPv4 address as a number in host order; meaningless for IPv6.</summary>
    public uint V4 => (uint)_low;

    /// <summary>The address's 128 bits (mapped for IPv4) as a number.</summary>
    public UInt128 Bits => new(_high, _low);

    /// <summary>An IPv4 address from its number in host order.</summary>
    public static IpAddr FromV4(uint value) => new(0, MappedPrefix | value);

    /// <summary>An address from its 128 bits.</summary>
    public static IpAddr FromBits(UInt128 bits) => new((ulong)(bits >> 64), (ulong)bits);

    /// <summary>Reads an address from wire order; <paramref name="bytes"/> is 4 or 16 bytes long.</summary>
    public static IpAddr Read(ReadOnlySpan<byte> bytes) => bytes.Length == 4
        ? FromV4(BinaryPrimitives.ReadUInt32BigEndian(bytes))
        : new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>Writes <see cref="Size"/> bytes in wire order.</summary>
    public void Write(Span<byte> bytes)
    {
        if (IsV4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, V4);
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, _high);
            BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], _low);
        }
    }

    /// <summary>The framework's address as a value (a mapped IPv6 address becomes IPv4).</summary>
    public static IpAddr From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return Read(bytes[..written]);
    }

    /// <summary>Allocates the framework's form; not for use per packet.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        Write(bytes);
        return new IPAddress(bytes[..Size]);
    }

    /// <summary>The framework's family of this address.</summary>
    public AddressFamily Family => IsV4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();
}
