using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Core.Session;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Exits;

/// <summary>What kind of exit an <see cref="ExitUri"/> names.</summary>
public enum ExitScheme
{
    /// <summary><c>direct:</c> – this machine's own network.</summary>
    Direct,

    /// <summary><c>socks5://</c> – a SOCKS5 proxy, which resolves the names.</summary>
    Socks5,

    /// <summary><c>http://</c> – an HTTP proxy that takes CONNECT.</summary>
    Http,

    /// <summary><c>tls://</c> – a gateway of Culvert by its address.</summary>
    Tls,

    /// <summary><c>unix:</c> – a gateway of Culvert on this machine.</summary>
    Unix,

    /// <summary>The name of a gateway that this machine is paired with.</summary>
    Gateway,
}

/// <summary>
/// An EXIT of the command line: <c>direct:</c>, <c>socks5://[user:password@]host[:port]</c> (<c>socks5h://</c> means the same: names are always resolved
/// by the proxy), <c>http://[user:password@]host[:port]</c>, <c>tls://[key@]host[:port]</c>, <c>unix:path</c>, or the name of a paired gateway. Credentials are percent-decoded
/// (RFC 3986 section 2.1), IPv6 addresses stand in brackets. Without a port SOCKS5 means 1080 (its IANA port), HTTP means 80, as in every URI of that scheme, and TLS means 7443.
/// </summary>
public sealed record ExitUri
{
    /// <summary>Port of a <c>socks5://</c> exit that names none.</summary>
    public const int DefaultSocksPort = 1080;

    /// <summary>Port of an <c>http://</c> exit that names none.</summary>
    public const int DefaultHttpPort = 80;

    /// <summary>Port of a <c>tls://</c> exit that names none, and of a gateway that is told no other.</summary>
    public const int DefaultTlsPort = 7443;

    private const string Forms = "Write direct:, socks5://host:port, http://host:port, tls://host:port, or the name of a paired gateway.";

    /// <summary>The exit that needs no server.</summary>
    public static ExitUri Direct { get; } = new() { Scheme = ExitScheme.Direct };

    /// <summary>What kind of exit it is.</summary>
    public required ExitScheme Scheme { get; init; }

    /// <summary>
    /// The host of the proxy or gateway, an IPv6 address without brackets; the path of <see cref="ExitScheme.Unix"/>, the name of <see cref="ExitScheme.Gateway"/>; empty
    /// for <see cref="ExitScheme.Direct"/>.
    /// </summary>
    public string Host { get; init; } = "";

    /// <summary>The port of the proxy or gateway; 0 where there is none.</summary>
    public int Port { get; init; }

    /// <summary>The hash of the key that a gateway must show; null where it is not known (yet, see <see cref="Known"/>).</summary>
    public KeyHash? Key { get; init; }

    /// <summary>The ways to a named gateway, the best first; empty for any other exit, and as long as they are not known (<see cref="Known"/>).</summary>
    public IReadOnlyList<ExitUri> Ways { get; init; } = [];

    /// <summary>It is a gateway whose key and addresses are in the trust store, and that asks for our own key.</summary>
    public bool NeedsKeys => Scheme is ExitScheme.Tls or ExitScheme.Gateway;

    /// <summary>What is connected to over the network to reach this exit.</summary>
    public IReadOnlyList<Destination> Dialled => Scheme switch
    {
        ExitScheme.Direct or ExitScheme.Unix => [],
        ExitScheme.Gateway => [.. Ways.SelectMany(static way => way.Dialled)],
        _ => [new Destination(Host, Port)],
    };

    /// <summary>The user's name at the proxy, or null.</summary>
    public string? UserName { get; init; }

    /// <summary>The user's password at the proxy; null when there is no user, empty when the URI has none.</summary>
    public string? Password { get; init; }

    /// <summary>Reads an EXIT; a <see cref="CulvertException"/> of kind Usage says what is wrong with it and what to write instead.</summary>
    public static ExitUri Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string trimmed = text.Trim();
        if (trimmed.Equals("direct:", StringComparison.OrdinalIgnoreCase) || trimmed.Equals("direct", StringComparison.OrdinalIgnoreCase))
        {
            return Direct;
        }

        int colon = trimmed.IndexOf(':', StringComparison.Ordinal);
        string scheme = colon < 0 ? "" : trimmed[..colon].ToLowerInvariant();
        return scheme switch
        {
            "socks5" or "socks5h" => ParseProxy(trimmed, ExitScheme.Socks5, scheme, DefaultSocksPort),
            "http" => ParseProxy(trimmed, ExitScheme.Http, scheme, DefaultHttpPort),
            "tls" => ParseTls(trimmed),
            "unix" => trimmed.Length > "unix:".Length
                ? new ExitUri { Scheme = ExitScheme.Unix, Host = trimmed["unix:".Length..] }
                : throw Wrong("The exit 'unix:' lacks the path of the socket.", "Write unix:/path/of/the/socket."),
            "direct" => throw Wrong("A direct: exit takes nothing behind the colon.", "Write just 'direct:'."),
            "https" => throw Wrong("An HTTP proxy spoken to over TLS (https://) is not in this version.", "Use http:// or socks5://."),
            "socks" or "socks4" or "socks4a" => throw Wrong($"'{scheme}://' is not an exit: only SOCKS version 5 is spoken.", "Write socks5://host:port."),
            _ when IsLater(scheme, trimmed) => throw Wrong(
                $"The exit '{Shown(trimmed)}' is of a kind that is not in this version.", Forms),
            "" when PairName.IsName(trimmed) && !trimmed.StartsWith('-') => new ExitUri { Scheme = ExitScheme.Gateway, Host = trimmed },
            _ => throw Wrong($"'{Shown(trimmed)}' is not an exit.", Forms),
        };
    }

    /// <summary>
    /// The exit with what the <paramref name="peers"/> of this machine tell of it: key and addresses of a gateway that is named, the key of one that is given by its address without. Any other is as it was.
    /// </summary>
    /// <exception cref="CulvertException">
    /// <see cref="FailureKind.Configuration"/>: this machine is not paired with such a gateway, or knows no address of it; <see cref="FailureKind.Untrusted"/>: nobody knows whose key is to be at that address.
    /// </exception>
    public ExitUri Known(IReadOnlyList<TrustedPeer> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        if (Scheme == ExitScheme.Tls && Key is null)
        {
            TrustedPeer? there = peers.FirstOrDefault(p => p.Kind == PeerKind.Gateway && p.Addresses.Contains(ToString(), StringComparer.OrdinalIgnoreCase));
            return there is not null ? this with { Key = there.Key } : throw new CulvertException(
                FailureKind.Untrusted, $"Which key is to be at {this} is not known. Pair with the gateway (culvert pair), or write the key's hash that it shows: tls://HASH@host:port.");
        }

        if (Scheme != ExitScheme.Gateway)
        {
            return this;
        }

        if (peers.FirstOrDefault(p => p.IsCalled(PeerKind.Gateway, Host)) is not { } gateway)
        {
            string[] others = [.. peers.Where(static p => p.Kind == PeerKind.Gateway).Select(static p => p.Name)];
            throw new CulvertException(
                FailureKind.Configuration,
                $"'{Host}' is no exit, and this machine is paired with no gateway of that name{(others.Length > 0 ? $" (but with {string.Join(", ", others)})" : "")}. " +
                $"`culvert nearby` shows those around, `culvert pair` makes one known. {Forms}");
        }

        ExitUri[] ways = [.. gateway.Addresses.Select(Parse).Where(static way => way.Scheme is ExitScheme.Tls or ExitScheme.Unix).Select(way => way with { Key = gateway.Key })];
        return ways.Length > 0 ? this with { Host = gateway.Name, Key = gateway.Key, Ways = ways } : throw new CulvertException(
            FailureKind.Configuration, $"No address of the gateway '{gateway.Name}' is known. Pair with it again, or give its address: tls://{gateway.Key}@host:port.");
    }

    /// <summary>The exit without its password or key, and without the port where it is the default of an http:// exit.</summary>
    public override string ToString()
    {
        switch (Scheme)
        {
            case ExitScheme.Direct:
                return "direct:";
            case ExitScheme.Unix:
                return $"unix:{Host}";
            case ExitScheme.Gateway:
                return Host;
        }

        (string scheme, int usual) = Scheme switch
        {
            ExitScheme.Socks5 => ("socks5", DefaultSocksPort),
            ExitScheme.Http => ("http", DefaultHttpPort),
            _ => ("tls", DefaultTlsPort),
        };
        string user = UserName is null ? "" : Uri.EscapeDataString(UserName) + "@";
        string host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        string port = Port == usual && Scheme == ExitScheme.Http ? "" : $":{Port}";
        return $"{scheme}://{user}{host}{port}";
    }

    private static ExitUri ParseTls(string text)
    {
        ExitUri uri = ParseProxy(text, ExitScheme.Tls, "tls", DefaultTlsPort);
        if (uri.UserName is not { } written)
        {
            return uri;
        }

        return KeyHash.TryParse(written, out KeyHash key) && uri.Password is { Length: 0 }
            ? uri with { UserName = null, Password = null, Key = key }
            : throw Wrong($"In the exit '{Shown(text)}' what stands before the @ is no hash of a key.", $"It is the {KeyHash.TextSize} characters that the gateway shows.");
    }

    private static ExitUri ParseProxy(string text, ExitScheme scheme, string name, int usualPort)
    {
        string example = scheme == ExitScheme.Tls ? "Write tls://host:port or tls://key@host:port." : $"Write {name}://host:port or {name}://user:password@host:port.";
        if (!text.AsSpan(name.Length).StartsWith("://"))
        {
            throw Wrong($"The exit '{Shown(text)}' lacks the two slashes behind '{name}:'.", example);
        }

        string rest = text[(name.Length + 3)..];
        int end = rest.AsSpan().LastIndexOf('@') is int mark ? rest.AsSpan(mark + 1).IndexOfAny("/?#") : -1;
        if (end >= 0)
        {
            end += mark + 1;
            if (rest[end..] != "/")
            {
                throw Wrong($"The exit '{Shown(text)}' has a path, and there is none there.", example);
            }

            rest = rest[..end];
        }

        (string? user, string? password) = ParseUser(mark < 0 ? null : rest[..mark], text, example);
        (string host, int port) = ParseHost(rest[(mark + 1)..], usualPort, text, example);
        if (scheme == ExitScheme.Socks5 && user is not null && (TooLong(user) || TooLong(password!) || user.Length == 0))
        {
            throw Wrong("SOCKS5 takes user names of 1 to 255 bytes and passwords of at most 255.", "Use shorter ones.");
        }

        if (scheme == ExitScheme.Http && user is not null && user.Contains(':', StringComparison.Ordinal))
        {
            throw Wrong("A user name for an HTTP proxy cannot contain a colon (RFC 7617).", "Use another user.");
        }

        return new ExitUri { Scheme = scheme, Host = host, Port = port, UserName = user, Password = password };
    }

    private static (string? User, string? Password) ParseUser(string? text, string whole, string example)
    {
        if (text is null)
        {
            return (null, null);
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string user = colon < 0 ? text : text[..colon];
        return (Decode(user, whole, example), colon < 0 ? "" : Decode(text[(colon + 1)..], whole, example));
    }

    private static string Decode(string text, string whole, string example)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int length = 0;
        for (int i = 0; i < text.Length;)
        {
            if (text[i] != '%')
            {
                int step = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                length += Encoding.UTF8.GetBytes(text, i, step, bytes, length);
                i += step;
            }
            else if (i + 2 < text.Length
                && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                bytes[length++] = value;
                i += 3;
            }
            else
            {
                throw Wrong($"In the exit '{Shown(whole)}' a '%' is not followed by two hexadecimal digits.", "Write a percent sign itself as %25. " + example);
            }
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private static (string Host, int Port) ParseHost(string text, int usualPort, string whole, string example)
    {
        string host;
        string? port = null;
        if (text.StartsWith('['))
        {
            int close = text.IndexOf(']', StringComparison.Ordinal);
            host = close < 0 ? "" : text[1..close];
            string behind = close < 0 ? "?" : text[(close + 1)..];
            if (!System.Net.IPAddress.TryParse(host, out System.Net.IPAddress? address)
                || address.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6 || (behind.Length > 0 && behind[0] != ':'))
            {
                throw Wrong($"In the exit '{Shown(whole)}' the brackets do not hold an IPv6 address.", "Write it like [2001:db8::1]:1080.");
            }

            port = behind.Length > 0 ? behind[1..] : null;
        }
        else
        {
            int colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon != text.LastIndexOf(':'))
            {
                throw Wrong($"In the exit '{Shown(whole)}' there is more than one colon in the host.", "Put an IPv6 address in brackets, like [2001:db8::1]:1080.");
            }

            host = colon < 0 ? text : text[..colon];
            port = colon < 0 ? null : text[(colon + 1)..];
        }

        if (host.Length == 0)
        {
            throw Wrong($"The exit '{Shown(whole)}' has no host.", example);
        }

        if (Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            throw Wrong($"In the exit '{Shown(whole)}' the host '{host}' is neither a name nor an address.", example);
        }

        if (port is null)
        {
            return (host, usualPort);
        }

        return ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) && number > 0
            ? (host, number)
            : throw Wrong($"In the exit '{Shown(whole)}' the port '{port}' is not a number from 1 to 65535.", example);
    }

    private static bool TooLong(string text) => Encoding.UTF8.GetByteCount(text) > Socks5.MaxCredential;

    private static bool IsLater(string scheme, string text)
    {
        string session = scheme.Split('+')[0];
        return session is "ssh" or "ws" or "wss" or "worker" or "usb" or "adb"
            || scheme.StartsWith("tls+", StringComparison.Ordinal)
            || (scheme.Length == 0 && text.Contains('@', StringComparison.Ordinal));
    }

    // What people typed, with whatever may be a password taken out.
    private static string Shown(string text)
    {
        int mark = text.LastIndexOf('@');
        int slashes = text.IndexOf("://", StringComparison.Ordinal);
        int start = slashes < 0 || slashes > mark ? 0 : slashes + 3;
        int colon = mark < 0 ? -1 : text.IndexOf(':', start, mark - start);
        return colon < 0 ? text : string.Concat(text.AsSpan(0, colon), ":…", text.AsSpan(mark));
    }

    private static CulvertException Wrong(string what, string next) => new(FailureKind.Usage, $"{what} {next}");
}
