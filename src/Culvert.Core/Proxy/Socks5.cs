using System;
using System.Text;

namespace Culvert.Core.Proxy;

/// <summary>Commands of a SOCKS5 request (RFC 1928 section 4).</summary>
public enum SocksCommand : byte
{
    /// <summary>Open a TCP connection.</summary>
    Connect = 1,

    /// <summary>Accept a TCP connection.</summary>
    Bind = 2,

    /// <summary>Open a UDP association.</summary>
    Associate = 3,

    /// <summary>A UDP association whose datagrams travel in this TCP connection (hev-socks5 calls it FWD UDP).</summary>
    AssociateInTcp = 5,
}

/// <summary>
/// The handshake messages of SOCKS5 (RFC 1928) and of its user name and password (RFC 1929). Parsers are incremental: they look at the
/// start of what has arrived and never throw. Writers return the bytes they wrote.
/// </summary>
public static class Socks5
{
    /// <summary>The first byte of every message but the password's.</summary>
    public const byte Version = 5;

    /// <summary>The first byte of a SOCKS4 client.</summary>
    public const byte Version4 = 4;

    /// <summary>Method: no authentication.</summary>
    public const byte NoAuthentication = 0x00;

    /// <summary>Method: user name and password.</summary>
    public const byte UserPassword = 0x02;

    /// <summary>Method: none of those offered.</summary>
    public const byte NoAcceptableMethod = 0xFF;

    /// <summary>Longest user name or password in bytes.</summary>
    public const int MaxCredential = 255;

    /// <summary>Most bytes of any message of the handshake.</summary>
    public const int MaxMessage = 1 + 1 + MaxCredential + 1 + MaxCredential;

    private const byte PasswordVersion = 1;

    /// <summary>Client: VER, NMETHODS, METHODS. <paramref name="methods"/> are the methods offered, a slice of <paramref name="data"/>.</summary>
    public static ParseStatus TryParseGreeting(ReadOnlySpan<byte> data, out ReadOnlySpan<byte> methods, out int consumed)
    {
        methods = default;
        consumed = 0;
        if (data.Length >= 1 && data[0] != Version)
        {
            return ParseStatus.Malformed;
        }

        if (data.Length < 2 || data.Length < 2 + data[1])
        {
            return ParseStatus.NeedMore;
        }

        consumed = 2 + data[1];
        methods = data[2..consumed];
        return ParseStatus.Done;
    }

    /// <summary>Writes a client's greeting.</summary>
    public static int WriteGreeting(Span<byte> buffer, ReadOnlySpan<byte> methods)
    {
        buffer[0] = Version;
        buffer[1] = (byte)methods.Length;
        methods.CopyTo(buffer[2..]);
        return 2 + methods.Length;
    }

    /// <summary>Server: VER, METHOD.</summary>
    public static ParseStatus TryParseMethod(ReadOnlySpan<byte> data, out byte method, out int consumed) =>
        TryParsePair(data, Version, out method, out consumed);

    /// <summary>Writes a server's choice of method.</summary>
    public static int WriteMethod(Span<byte> buffer, byte method)
    {
        buffer[0] = Version;
        buffer[1] = method;
        return 2;
    }

    /// <summary>Client: VER, ULEN, UNAME, PLEN, PASSWD (RFC 1929); the two are slices of <paramref name="data"/>.</summary>
    public static ParseStatus TryParsePassword(ReadOnlySpan<byte> data, out ReadOnlySpan<byte> user, out ReadOnlySpan<byte> password, out int consumed)
    {
        user = default;
        password = default;
        consumed = 0;
        if (data.Length >= 1 && data[0] != PasswordVersion)
        {
            return ParseStatus.Malformed;
        }

        if (data.Length < 2 || data.Length < 3 + data[1])
        {
            return ParseStatus.NeedMore;
        }

        int passwordStart = 3 + data[1];
        int end = passwordStart + data[passwordStart - 1];
        if (data.Length < end)
        {
            return ParseStatus.NeedMore;
        }

        user = data.Slice(2, data[1]);
        password = data[passwordStart..end];
        consumed = end;
        return ParseStatus.Done;
    }

    /// <summary>Writes user name and password, both of at most <see cref="MaxCredential"/> bytes of UTF-8.</summary>
    public static int WritePassword(Span<byte> buffer, string user, string password)
    {
        buffer[0] = PasswordVersion;
        int userLength = Encoding.UTF8.GetBytes(user, buffer.Slice(2, MaxCredential));
        buffer[1] = (byte)userLength;
        int passwordLength = Encoding.UTF8.GetBytes(password, buffer.Slice(3 + userLength, MaxCredential));
        buffer[2 + userLength] = (byte)passwordLength;
        return 3 + userLength + passwordLength;
    }

    /// <summary>Server: VER, STATUS (RFC 1929); accepted when the status is 0. A server that writes 5 as the version is understood as well.</summary>
    public static ParseStatus TryParsePasswordStatus(ReadOnlySpan<byte> data, out bool accepted, out int consumed)
    {
        ParseStatus status = TryParsePair(data, data.IsEmpty || data[0] != Version ? PasswordVersion : Version, out byte code, out consumed);
        accepted = code == 0;
        return status;
    }

    /// <summary>Writes the server's verdict on a password.</summary>
    public static int WritePasswordStatus(Span<byte> buffer, bool accepted)
    {
        buffer[0] = PasswordVersion;
        buffer[1] = accepted ? (byte)0 : (byte)1;
        return 2;
    }

    /// <summary>Client: VER, CMD, RSV, address. The command may be one that <see cref="SocksCommand"/> does not know.</summary>
    public static ParseStatus TryParseRequest(ReadOnlySpan<byte> data, out SocksCommand command, out SocksAddress address, out int consumed)
    {
        ParseStatus status = TryParseMessage(data, out byte code, out address, out consumed);
        command = (SocksCommand)code;
        return status;
    }

    /// <summary>Writes a client's request; false when the name in <paramref name="address"/> is too long for SOCKS.</summary>
    public static bool TryWriteRequest(Span<byte> buffer, SocksCommand command, SocksAddress address, out int written) =>
        TryWriteMessage(buffer, (byte)command, address, out written);

    /// <summary>Server: VER, REP, RSV, bound address.</summary>
    public static ParseStatus TryParseReply(ReadOnlySpan<byte> data, out SocksReply reply, out SocksAddress bound, out int consumed)
    {
        ParseStatus status = TryParseMessage(data, out byte code, out bound, out consumed);
        reply = (SocksReply)code;
        return status;
    }

    /// <summary>Writes a server's reply; <paramref name="bound"/> is an address, not a name.</summary>
    public static int WriteReply(Span<byte> buffer, SocksReply reply, SocksAddress bound)
    {
        TryWriteMessage(buffer, (byte)reply, bound, out int written);
        return written;
    }

    private static ParseStatus TryParsePair(ReadOnlySpan<byte> data, byte version, out byte code, out int consumed)
    {
        code = 0;
        consumed = 0;
        if (data.Length >= 1 && data[0] != version)
        {
            return ParseStatus.Malformed;
        }

        if (data.Length < 2)
        {
            return ParseStatus.NeedMore;
        }

        code = data[1];
        consumed = 2;
        return ParseStatus.Done;
    }

    private static ParseStatus TryParseMessage(ReadOnlySpan<byte> data, out byte code, out SocksAddress address, out int consumed)
    {
        code = data.Length >= 2 ? data[1] : (byte)0;
        address = default;
        consumed = 0;
        if (data.Length >= 1 && data[0] != Version)
        {
            return ParseStatus.Malformed;
        }

        if (data.Length < 4)
        {
            return ParseStatus.NeedMore;
        }

        // RSV is not checked: RFC 1928 says 0, and nothing hangs on it.
        ParseStatus status = SocksAddress.TryParse(data[3..], out address, out int length);
        consumed = status == ParseStatus.Done ? 3 + length : 0;
        return status;
    }

    private static bool TryWriteMessage(Span<byte> buffer, byte code, SocksAddress address, out int written)
    {
        buffer[0] = Version;
        buffer[1] = code;
        buffer[2] = 0;
        bool fits = address.TryWrite(buffer[3..], out int length);
        written = fits ? 3 + length : 0;
        return fits;
    }
}
