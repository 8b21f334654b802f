using System;
using System.Buffers.Binary;

namespace Culvert.Core.Proxy;

/// <summary>
/// The two ways SOCKS5 frames a datagram: the header of a UDP packet (RFC 1928 section 7: RSV 2, FRAG 1, address), and the record in a TCP
/// connection after <see cref="SocksCommand.AssociateInTcp"/> (payload length 2, header length 1 counting itself and those two, address),
/// which is hev-socks5's. Both headers are of the same size.
/// </summary>
public static class SocksDatagram
{
    /// <summary>Most bytes of a header.</summary>
    public const int MaxHeader = 3 + SocksAddress.MaxLength;

    /// <summary>
    /// Reads the header of a whole UDP packet; the payload is what follows <paramref name="headerLength"/> bytes. False when it is malformed or a
    /// fragment (FRAG other than 0), which RFC 1928 lets an implementation drop.
    /// </summary>
    public static bool TryParseUdp(ReadOnlySpan<byte> packet, out SocksAddress address, out int headerLength)
    {
        address = default;
        headerLength = 0;
        if (packet.Length < 4 || packet[2] != 0 || SocksAddress.TryParse(packet[3..], out address, out int length) != ParseStatus.Done)
        {
            return false;
        }

        headerLength = 3 + length;
        return true;
    }

    /// <summary>Writes the header of a UDP packet; false when the name is too long for SOCKS.</summary>
    public static bool TryWriteUdp(Span<byte> buffer, SocksAddress address, out int written)
    {
        bool fits = address.TryWrite(buffer[3..], out int length);
        buffer[..3].Clear();
        written = fits ? 3 + length : 0;
        return fits;
    }

    /// <summary>Reads the header of a record in TCP; <paramref name="payloadLength"/> bytes of payload follow the <paramref name="headerLength"/> of the header.</summary>
    public static ParseStatus TryParseTcp(ReadOnlySpan<byte> data, out SocksAddress address, out int headerLength, out int payloadLength)
    {
        address = default;
        headerLength = 0;
        payloadLength = 0;
        if (data.Length < 3)
        {
            return ParseStatus.NeedMore;
        }

        int declared = data[2];
        ReadOnlySpan<byte> rest = data[3..];
        bool whole = rest.Length >= declared - 3;
        ParseStatus status = SocksAddress.TryParse(declared < 3 ? [] : whole ? rest[..(declared - 3)] : rest, out address, out int length);
        if (status == ParseStatus.NeedMore)
        {
            // All of the header that was declared is there, and the address goes on behind it.
            return whole ? ParseStatus.Malformed : ParseStatus.NeedMore;
        }

        if (status != ParseStatus.Done || declared != 3 + length)
        {
            return ParseStatus.Malformed;
        }

        headerLength = declared;
        payloadLength = BinaryPrimitives.ReadUInt16BigEndian(data);
        return ParseStatus.Done;
    }

    /// <summary>
    /// Writes the header of a record in TCP for a payload of at most 65,535 bytes; false when the address does not fit: its length is one byte
    /// with the header's own three, so a name has at most 248 bytes here.
    /// </summary>
    public static bool TryWriteTcp(Span<byte> buffer, SocksAddress address, int payloadLength, out int written)
    {
        written = 0;
        if (!address.TryWrite(buffer[3..], out int length) || 3 + length > byte.MaxValue)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)payloadLength);
        buffer[2] = (byte)(3 + length);
        written = 3 + length;
        return true;
    }
}
