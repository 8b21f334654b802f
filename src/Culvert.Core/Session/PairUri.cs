using System;
using System.Buffers;
using System.Buffers.Text;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Culvert.Core.Session;

/// <summary>
/// What a gateway shows as a QR code (docs/protocol.md, Pairing): <c>culvert://pair?key=…&amp;secret=…&amp;until=…&amp;name=…&amp;at=192.0.2.7:7443</c>. Whoever has it can ask to be paired once.
/// </summary>
public sealed record PairUri
{
    /// <summary>How one begins.</summary>
    public const string Start = "culvert://pair?";

    /// <summary>Characters of the longest that is read.</summary>
    public const int MaxLength = 2_048;

    /// <summary>Addresses at most.</summary>
    public const int MaxAddresses = 8;

    /// <summary>Bytes of the secret.</summary>
    public const int SecretSize = 16;

    /// <summary>The SHA-256 of the gateway's SubjectPublicKeyInfo.</summary>
    public required Bytes32 Key { get; init; }

    /// <summary>The one-time secret, <see cref="SecretSize"/> bytes.</summary>
    public required ReadOnlyMemory<byte> Secret { get; init; }

    /// <summary>Seconds since 1970 until which the gateway takes the secret, by the gateway's clock.</summary>
    public required long Until { get; init; }

    /// <summary>The gateway's name, a <see cref="PairName"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Where it listens for TLS, <c>host:port</c> each, the best first; 1 to <see cref="MaxAddresses"/>.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    /// <summary>Whether <paramref name="text"/> is meant to be one.</summary>
    public static bool IsMeant(string text) => text.StartsWith("culvert:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads one; otherwise <paramref name="problem"/> is the end of a sentence: "This is no address for pairing: …". What it does not know, it passes over.</summary>
    public static bool TryParse(string text, out PairUri uri, out string problem)
    {
        uri = null!;
        problem = "";
        if (text.Length > MaxLength || !text.StartsWith(Start, StringComparison.OrdinalIgnoreCase))
        {
            problem = text.Length > MaxLength ? $"it is longer than {MaxLength} characters" : $"it does not begin with {Start}";
            return false;
        }

        Dictionary<string, string> fields = [];
        List<string> addresses = [];
        foreach (string part in text[Start.Length..].Split('&'))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? part : part[..equals];
            if (!TryUnescape(equals < 0 ? "" : part[(equals + 1)..], out string value))
            {
                problem = $"'{Shown(part)}' is not written as a URI is";
                return false;
            }

            if (name == "at")
            {
                addresses.Add(value);
            }
            else if (!fields.TryAdd(name, value))
            {
                problem = $"it says '{Shown(name)}' twice";
                return false;
            }
        }

        problem = Read(fields, addresses, out uri);
        return problem.Length == 0;
    }

    /// <summary>The URI, in characters that need no quotes but for the &amp; of a shell.</summary>
    public override string ToString()
    {
        Span<byte> key = stackalloc byte[Bytes32.Size];
        Key.Write(key);
        StringBuilder text = new(Start);
        text.Append(CultureInfo.InvariantCulture, $"key={Base64Url.EncodeToString(key)}&secret={Base64Url.EncodeToString(Secret.Span)}&until={Until}&name={Uri.EscapeDataString(Name)}");
        foreach (string address in Addresses)
        {
            text.Append("&at=").Append(address);
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public bool Equals(PairUri? other) => other is not null && Key == other.Key && Secret.Span.SequenceEqual(other.Secret.Span) && Until == other.Until && Name == other.Name
        && Addresses.SequenceEqual(other.Addresses);

    /// <inheritdoc/>
    public override int GetHashCode() => Key.GetHashCode();

    /// <summary>The parts of <c>host:port</c>, an IPv6 address in brackets; false for anything else. The host has no brackets.</summary>
    public static bool TrySplit(string address, out string host, out ushort port)
    {
        int colon = address.LastIndexOf(':');
        host = colon < 0 ? "" : address[..colon];
        port = 0;
        if (colon < 0 || address.Length - colon > 6 || !ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port == 0)
        {
            return false;
        }

        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            return host.All(static c => char.IsAsciiHexDigit(c) || c is ':' or '.') && IPAddress.TryParse(host, out IPAddress? v6) && v6.AddressFamily == AddressFamily.InterNetworkV6;
        }

        return host.Length is > 0 and <= 253 && host.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_') && host[0] is not ('-' or '.');
    }

    private static string Read(Dictionary<string, string> fields, List<string> addresses, out PairUri uri)
    {
        uri = null!;
        byte[] key = new byte[Bytes32.Size];
        byte[] secret = new byte[SecretSize];
        if (fields.TryGetValue("v", out string? version) && version != "1")
        {
            return $"it is of version '{Shown(version)}', and this Culvert knows 1; update it";
        }

        if (!TryDecode(fields, "key", key) || !TryDecode(fields, "secret", secret))
        {
            return "its key or its secret is missing or cut short; copy the whole of it, in quotes";
        }

        if (!fields.TryGetValue("name", out string? name) || !PairName.IsName(name))
        {
            return "the gateway's name is missing, or none";
        }

        if (!fields.TryGetValue("until", out string? until) || !long.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) || seconds > 253_402_300_799)
        {
            return "until when it is good is missing, or no time";
        }

        if (addresses.Count is 0 or > MaxAddresses)
        {
            return addresses.Count == 0 ? "it names no address of the gateway; copy the whole of it, in quotes" : $"it names more than {MaxAddresses} addresses";
        }

        if (addresses.Find(static a => !TrySplit(a, out _, out _)) is { } wrong)
        {
            return $"'{Shown(wrong)}' is no address with a port";
        }

        uri = new PairUri { Key = new Bytes32(key), Secret = secret, Name = name, Until = seconds, Addresses = addresses };
        return "";
    }

    private static bool TryDecode(Dictionary<string, string> fields, string name, Span<byte> bytes)
    {
        Span<byte> room = stackalloc byte[Bytes32.Size + 1];
        if (!fields.TryGetValue(name, out string? text) || text.Length != ((bytes.Length * 4) + 2) / 3
            || Base64Url.DecodeFromChars(text, room, out _, out int written) != OperationStatus.Done || written != bytes.Length)
        {
            return false;
        }

        room[..written].CopyTo(bytes);
        return true;
    }

    private static bool TryUnescape(string text, out string value)
    {
        value = "";
        ArrayBufferWriter<byte> bytes = new(Math.Max(1, text.Length));
        for (int i = 0; i < text.Length; i++)
        {
            byte each = (byte)text[i];
            if (text[i] is <= ' ' or >= '\x7F' || (text[i] == '%' && (i + 2 >= text.Length || !byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out each))))
            {
                return false;
            }

            i += text[i] == '%' ? 2 : 0;
            bytes.Write([each]);
        }

        return WireText.TryRead(bytes.WrittenSpan, out value);
    }

    // What somebody else wrote goes to a terminal.
    private static string Shown(string text) => string.Concat(text.Take(40).Select(static c => c is >= ' ' and < '\x7F' ? c : '?'));
}
