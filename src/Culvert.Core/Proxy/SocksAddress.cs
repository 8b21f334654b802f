using System;
using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Culvert.Core.Proxy;

/// <summary>
/// Address and port as SOCKS5 writes them (RFC 1928 section 5: ATYP, address, port in network order). Exactly one of <see cref="Name"/> and
/// <see cref="Address"/> is set.
/// </summary>
public readonly record struct SocksAddress
{
    /// <summary>Longest host name in bytes: its length is one byte.</summary>
    public const int MaxName = 255;

    /// <summary>Most bytes one can take: type, length, name and port.</summary>
    public const int MaxLength = 1 + 1 + MaxName + 2;

    private const byte TypeV4 = 1;
    private const byte TypeName = 3;
    private const byte TypeV6 = 4;
    private const ulong MappedPrefix = 0x0000_FFFF_0000_0000;

    // As on the wire; 0 in the default value.
    private readonly byte _type;

    /// <summary>An address with a port.</summary>
    /// <param name="name">A host name of 1 to 255 bytes of UTF-8; or null.</param>
    /// <param name="address">An IPv4 or IPv6 address; or null.</param>
    /// <param name="port">TCP or UDP port.</param>
    public SocksAddress(string? name, IPAddress? address, ushort port)
    {
        Name = name;
        Port = port;
        _type = TypeName;
        if (address is not null)
        {
            Span<byte> bytes = stackalloc byte[16];
            address.TryWriteBytes(bytes, out int length);
            (_type, Bits) = Read(bytes[..length]);
        }
    }

    private SocksAddress(ReadOnlySpan<byte> address, ushort port)
    {
        Port = port;
        (_type, Bits) = Read(address);
    }

    /// <summary>The host name; null for an address.</summary>
    public string? Name { get; }

    /// <summary>TCP or UDP port.</summary>
    public ushort Port { get; }

    /// <summary>The IPv4 or IPv6 address, made anew each time; null for a name.</summary>
    public IPAddress? Address
    {
        get
        {
            if (_type is not (TypeV4 or TypeV6))
            {
                return null;
            }

            Span<byte> bytes = stackalloc byte[16];
            BinaryPrimitives.WriteUInt128BigEndian(bytes, Bits);
            return new IPAddress(_type == TypeV4 ? bytes[12..] : bytes);
        }
    }

    /// <summary>The address's 128 bits, an IPv4 one in its mapped form (RFC 4291 section 2.5.5.2); 0 for a name.</summary>
    public UInt128 Bits { get; }

    /// <summary>0.0.0.0:0, which stands for "not known" and "any".</summary>
    public static SocksAddress Unspecified { get; } = new(null, IPAddress.Any, 0);

    /// <summary>Reads one from the start of <paramref name="data"/>; <paramref name="consumed"/> bytes were its own.</summary>
    public static ParseStatus TryParse(ReadOnlySpan<byte> data, out SocksAddress address, out int consumed)
    {
        address = default;
        consumed = 0;
        if (data.IsEmpty)
        {
            return ParseStatus.NeedMore;
        }

        int start = 1;
        int length;
        switch (data[0])
        {
            case TypeV4:
                length = 4;
                break;
            case TypeV6:
                length = 16;
                break;
            case TypeName when data.Length < 2:
                return ParseStatus.NeedMore;
            case TypeName when data[1] == 0:
                return ParseStatus.Malformed;
            case TypeName:
                start = 2;
                length = data[1];
                break;
            default:
                return ParseStatus.Malformed;
        }

        if (data.Length < start + length + 2)
        {
            return ParseStatus.NeedMore;
        }

        ReadOnlySpan<byte> bytes = data.Slice(start, length);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(data[(start + length)..]);
        if (data[0] != TypeName)
        {
            address = new SocksAddress(bytes, port);
        }
        else if (IsName(bytes))
        {
            address = new SocksAddress(Encoding.UTF8.GetString(bytes), null, port);
        }
        else
        {
            return ParseStatus.Malformed;
        }

        consumed = start + length + 2;
        return ParseStatus.Done;
    }

    /// <summary>
    /// Writes it to the start of <paramref name="buffer"/> (<see cref="MaxLength"/> bytes hold any); false when the name is empty or too long.
    /// </summary>
    public bool TryWrite(Span<byte> buffer, out int written)
    {
        written = 0;
        int length;
        if (_type == TypeV4)
        {
            buffer[0] = TypeV4;
            BinaryPrimitives.WriteUInt32BigEndian(buffer[1..], (uint)Bits);
            length = 1 + 4;
        }
        else if (_type == TypeV6)
        {
            buffer[0] = TypeV6;
            BinaryPrimitives.WriteUInt128BigEndian(buffer[1..], Bits);
            length = 1 + 16;
        }
        else
        {
            int bytes = Encoding.UTF8.GetByteCount(Name ?? "");
            if (bytes is 0 or > MaxName)
            {
                return false;
            }

            buffer[0] = TypeName;
            buffer[1] = (byte)bytes;
            length = 2 + Encoding.UTF8.GetBytes(Name, buffer[2..]);
        }

        BinaryPrimitives.WriteUInt16BigEndian(buffer[length..], Port);
        written = length + 2;
        return true;
    }

    private static (byte Type, UInt128 Bits) Read(ReadOnlySpan<byte> address) => address.Length == 4
        ? (TypeV4, new UInt128(0, MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(address)))
        : (TypeV6, BinaryPrimitives.ReadUInt128BigEndian(address));

    // Names go on to resolvers, logs and other proxies' request lines: controls and spaces have no business in them.
    private static bool IsName(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            if (b is <= 0x20 or 0x7F)
            {
                return false;
            }
        }

        return bytes[0] != (byte)'.' && System.Text.Unicode.Utf8.IsValid(bytes);
    }
}
