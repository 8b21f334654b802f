using System;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Culvert.Core.Proxy;

/// <summary>
/// Address and port as SOCKS5 writes them (RFC 1928 section 5: ATYP, address, port in network order). Exactly one of
/// <paramref name="Name"/> and <paramref name="Address"/> is set.
/// </summary>
/// <param name="Name">A host name of 1 to 255 bytes of UTF-8.</param>
/// <param name="Address">An IPv4 or IPv6 address.</param>
/// <param name="Port">TCP or UDP port.</param>
public readonly record struct SocksAddress(string? Name, IPAddress? Address, ushort Port)
{
    /// <summary>Longest host name in bytes: its length is one byte.</summary>
    public const int MaxName = 255;

    /// <summary>Most bytes one can take: type, length, name and port.</summary>
    public const int MaxLength = 1 + 1 + MaxName + 2;

    private const byte TypeV4 = 1;
    private const byte TypeName = 3;
    private const byte TypeV6 = 4;

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
            address = new SocksAddress(null, new IPAddress(bytes), port);
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
        if (Address is not null)
        {
            buffer[0] = Address.AddressFamily == AddressFamily.InterNetwork ? TypeV4 : TypeV6;
            Address.TryWriteBytes(buffer[1..], out length);
            length += 1;
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
