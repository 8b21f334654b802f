using System;
using System.Globalization;
using System.Net;

namespace Culvert.Core.Dns;

/// <summary>The names under which the names of addresses are asked for (RFC 1035 section 3.5, RFC 3596 section 2.5).</summary>
public static class ReverseName
{
    private const string SuffixV4 = ".in-addr.arpa";
    private const string SuffixV6 = ".ip6.arpa";

    /// <summary>Reads the address out of a whole reverse name in lower case; false for a part of one, and for everything else.</summary>
    public static bool TryParse(string name, out IPAddress? address)
    {
        address = null;
        Span<byte> bytes = stackalloc byte[16];
        if (name.EndsWith(SuffixV4, StringComparison.Ordinal))
        {
            return TryParseV4(name.AsSpan(0, name.Length - SuffixV4.Length), bytes[..4]) && (address = new IPAddress(bytes[..4])) is not null;
        }

        return name.EndsWith(SuffixV6, StringComparison.Ordinal)
            && TryParseV6(name.AsSpan(0, name.Length - SuffixV6.Length), bytes)
            && (address = new IPAddress(bytes)) is not null;
    }

    private static bool TryParseV4(ReadOnlySpan<char> labels, Span<byte> bytes)
    {
        int at = bytes.Length;
        foreach (Range label in labels.Split('.'))
        {
            ReadOnlySpan<char> digits = labels[label];
            bool leadingZero = digits.Length > 1 && digits[0] == '0';
            if (at == 0 || leadingZero || !byte.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out bytes[--at]))
            {
                return false;
            }
        }

        return at == 0;
    }

    private static bool TryParseV6(ReadOnlySpan<char> labels, Span<byte> bytes)
    {
        if (labels.Length != (bytes.Length * 4) - 1)
        {
            return false;
        }

        for (int nibble = 0; nibble < bytes.Length * 2; nibble++)
        {
            char digit = labels[nibble * 2];
            bool separated = nibble == 0 || labels[(nibble * 2) - 1] == '.';
            if (!separated || !char.IsAsciiHexDigit(digit))
            {
                return false;
            }

            int value = char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
            int index = bytes.Length - 1 - (nibble / 2);
            bytes[index] = (byte)((nibble & 1) == 0 ? value : bytes[index] | (value << 4));
        }

        return true;
    }
}
