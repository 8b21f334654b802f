using System;
using System.Collections.Generic;
using System.Text;

namespace Culvert.Core.Proxy;

/// <summary>
/// The header fields of an HTTP/1.1 message in their order (RFC 9112 section 5), values as Latin-1 so that every byte survives. Reading is strict:
/// lines end in CRLF, names are tokens with the colon right behind them, values hold no controls, nothing is folded; whatever two parsers might
/// read in two ways is refused.
/// </summary>
public sealed class HttpFields
{
    /// <summary>Most bytes of a message's head, all lines together.</summary>
    public const int MaxHead = 64 * 1024;

    private readonly List<KeyValuePair<string, string>> _fields = [];

    /// <summary>The fields.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> All => _fields;

    /// <summary>Appends a field.</summary>
    public void Add(string name, string value) => _fields.Add(new(name, value));

    /// <summary>Removes every field of that name.</summary>
    public void Remove(string name) => _fields.RemoveAll(f => f.Key.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>How many fields of that name there are; <paramref name="value"/> is the first one's.</summary>
    public int Count(string name, out string value)
    {
        value = "";
        int count = 0;
        foreach ((string key, string text) in _fields)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                value = count++ == 0 ? text : value;
            }
        }

        return count;
    }

    /// <summary>Whether a comma-separated field holds <paramref name="token"/>.</summary>
    public bool Has(string name, string token)
    {
        foreach (string element in Elements(name))
        {
            if (element.Equals(token, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Removes what is between one connection's two ends only (RFC 9110 section 7.6.1): Connection and what it lists, Proxy-*, Keep-Alive, TE and
    /// Upgrade. Transfer-Encoding stays: the body is passed on in its coding.
    /// </summary>
    public void RemoveHopByHop()
    {
        List<string> listed = [.. Elements("Connection")];
        foreach (string name in listed)
        {
            // Framing is never taken away by a list: that would be a way to smuggle.
            if (!name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase) && !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
                && !name.Equals("Host", StringComparison.OrdinalIgnoreCase))
            {
                Remove(name);
            }
        }

        _fields.RemoveAll(static f => f.Key.ToUpperInvariant() is "CONNECTION" or "KEEP-ALIVE" or "TE" or "UPGRADE" or "PROXY-CONNECTION" or "PROXY-AUTHORIZATION"
            or "PROXY-AUTHENTICATE" or "PROXY-AUTHENTICATION-INFO");
    }

    /// <summary>Writes all fields and the empty line.</summary>
    internal void WriteTo(StringBuilder text)
    {
        foreach ((string name, string value) in _fields)
        {
            text.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        text.Append("\r\n");
    }

    /// <summary>Finds the head of a message in <paramref name="data"/>: its first line and its fields. Empty lines before it are skipped (RFC 9112 section 2.2).</summary>
    internal static ParseStatus TryParseHead(ReadOnlySpan<byte> data, out string firstLine, out HttpFields fields, out int consumed)
    {
        firstLine = "";
        fields = new HttpFields();
        consumed = 0;
        int skipped = 0;
        while (data[skipped..].StartsWith("\r\n"u8))
        {
            skipped += 2;
        }

        int end = data[skipped..].IndexOf("\r\n\r\n"u8);
        int length = end < 0 ? data.Length : skipped + end + 4;
        if (length > MaxHead)
        {
            return ParseStatus.TooLarge;
        }

        if (end < 0)
        {
            return data.Length == MaxHead ? ParseStatus.TooLarge : ParseStatus.NeedMore;
        }

        ReadOnlySpan<byte> rest = data.Slice(skipped, end + 2);
        bool first = true;
        while (!rest.IsEmpty)
        {
            int lineEnd = rest.IndexOf("\r\n"u8);
            ReadOnlySpan<byte> line = rest[..lineEnd];
            rest = rest[(lineEnd + 2)..];
            if (HasControls(line))
            {
                return ParseStatus.Malformed;
            }

            if (first)
            {
                firstLine = Encoding.Latin1.GetString(line);
                first = false;
                continue;
            }

            int colon = line.IndexOf((byte)':');
            if (colon <= 0 || !IsToken(line[..colon]))
            {
                return ParseStatus.Malformed;
            }

            fields.Add(Encoding.Latin1.GetString(line[..colon]), Encoding.Latin1.GetString(line[(colon + 1)..].Trim(" \t"u8)));
        }

        consumed = length;
        return ParseStatus.Done;
    }

    /// <summary>A token of RFC 9110 section 5.6.2.</summary>
    internal static bool IsToken(ReadOnlySpan<byte> text)
    {
        foreach (byte b in text)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && !"!#$%&'*+-.^_`|~"u8.Contains(b))
            {
                return false;
            }
        }

        return !text.IsEmpty;
    }

    private static bool HasControls(ReadOnlySpan<byte> line)
    {
        foreach (byte b in line)
        {
            if (b is < 0x20 and not (byte)'\t' or 0x7F)
            {
                return true;
            }
        }

        return false;
    }

    private IEnumerable<string> Elements(string name)
    {
        foreach ((string key, string value) in _fields)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                foreach (string element in value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                {
                    yield return element;
                }
            }
        }
    }
}
