using System;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Core.Proxy;

/// <summary><c>host[:port]</c> of RFC 3986 section 3.2, without user information.</summary>
public static class HttpAuthority
{
    /// <summary>Longest host accepted, as in the DNS and in SOCKS.</summary>
    public const int MaxHost = SocksAddress.MaxName;

    /// <summary>Reads one; <paramref name="host"/> is without brackets, <paramref name="port"/> is <paramref name="usualPort"/> when there is none.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, ushort usualPort, out string host, out ushort port)
    {
        host = "";
        port = usualPort;
        ReadOnlySpan<char> name = text;
        ReadOnlySpan<char> behind = default;
        if (text.StartsWith('['))
        {
            int close = text.IndexOf(']');
            if (close < 0 || text[1..close].Contains('%') || !IPAddress.TryParse(text[1..close], out IPAddress? address)
                || address.AddressFamily != AddressFamily.InterNetworkV6)
            {
                return false;
            }

            name = text[1..close];
            behind = text[(close + 1)..];
        }
        else
        {
            int colon = text.IndexOf(':');
            if (colon >= 0)
            {
                name = text[..colon];
                behind = text[colon..];
            }

            if (!IsName(name))
            {
                return false;
            }
        }

        // "host:" without digits is allowed by RFC 3986 and means the usual port.
        if (behind.Length > 0 && (behind[0] != ':' || (behind.Length > 1 && !TryParsePort(behind[1..], out port))))
        {
            return false;
        }

        host = name.ToString();
        return true;
    }

    /// <summary>A port from 1 to 65535 in digits.</summary>
    public static bool TryParsePort(ReadOnlySpan<char> text, out ushort port) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port > 0;

    // Letters, digits and what names in use have besides; everything beyond ASCII must come as punycode.
    private static bool IsName(ReadOnlySpan<char> name)
    {
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_' or '~'))
            {
                return false;
            }
        }

        return name.Length is > 0 and <= MaxHost && name[0] != '.';
    }
}
