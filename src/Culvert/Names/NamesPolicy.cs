using System;
using System.Globalization;
using System.Net;
using Culvert.Core;

namespace Culvert.Names;

/// <summary>Who answers DNS queries: <c>--dns auto|virtual|remote|ADDRESS[:port]|https://…</c>.</summary>
public sealed record NamesPolicy
{
    /// <summary>The port of plain DNS where none is given.</summary>
    public const int DefaultPort = 53;

    /// <summary>The path of DNS over HTTPS where the URL gives none; what practically all servers use.</summary>
    public const string DefaultPath = "/dns-query";

    private const string Choices = "Use auto, virtual, remote, the address of a DNS server (9.9.9.9, [2620:fe::fe]:53), or https://server/dns-query.";

    private NamesPolicy(NamesKind kind) => Kind = kind;

    /// <summary>The exit's resolver where it has one, fake addresses otherwise. The default.</summary>
    public static NamesPolicy Auto { get; } = new(NamesKind.Auto);

    /// <summary>Fake addresses; names are resolved where the exit connects.</summary>
    public static NamesPolicy Virtual { get; } = new(NamesKind.Virtual);

    /// <summary>The exit's own resolver.</summary>
    public static NamesPolicy Remote { get; } = new(NamesKind.Remote);

    /// <summary>Which of the five it is.</summary>
    public NamesKind Kind { get; }

    /// <summary>The server to ask, for <see cref="NamesKind.Server"/>; null otherwise.</summary>
    public IPEndPoint? Server { get; private init; }

    /// <summary>The URL to ask, for <see cref="NamesKind.Https"/>; null otherwise.</summary>
    public Uri? Url { get; private init; }

    /// <summary>Reads the value of <c>--dns</c>.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Usage"/>: what is wrong with it, and what there is.</exception>
    public static NamesPolicy Parse(string text) => text switch
    {
        "auto" => Auto,
        "virtual" => Virtual,
        "remote" => Remote,
        _ when text.Contains("://", StringComparison.Ordinal) => ParseUrl(text),
        _ => ParseServer(text),
    };

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => Kind switch
    {
        NamesKind.Auto => "auto",
        NamesKind.Virtual => "virtual",
        NamesKind.Remote => "remote",
        NamesKind.Server => Server!.ToString(),
        _ => Url!.AbsoluteUri,
    };

    private static NamesPolicy ParseServer(string text)
    {
        string address = text;
        string? port = null;
        int colon = text.LastIndexOf(':');
        if (text.StartsWith('[') && text.IndexOf(']', StringComparison.Ordinal) is > 0 and int end && (end == text.Length - 1 || text[end + 1] == ':'))
        {
            address = text[1..end];
            port = end == text.Length - 1 ? null : text[(end + 2)..];
        }
        else if (colon >= 0 && colon == text.IndexOf(':', StringComparison.Ordinal))
        {
            address = text[..colon];
            port = text[(colon + 1)..];
        }

        // The framework also reads "1" and "0x7f.1" as addresses; nobody means those.
        bool isAddress = IPAddress.TryParse(address, out IPAddress? server) && (address.Contains(':', StringComparison.Ordinal) || address.Split('.').Length == 4);
        if (!isAddress)
        {
            throw Wrong(text, "is none of the choices, and not an address");
        }

        int number = DefaultPort;
        if (port is not null && (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number is 0 or > ushort.MaxValue))
        {
            throw Wrong(text, $"has the port '{port}', and ports are 1 to 65535");
        }

        return new NamesPolicy(NamesKind.Server) { Server = new IPEndPoint(server!, number) };
    }

    private static NamesPolicy ParseUrl(string text)
    {
        if (!text.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            throw Wrong(text, $"has the scheme '{text[..text.IndexOf("://", StringComparison.Ordinal)]}', which is not known");
        }

        // RFC 8484 gives servers as URI templates; with POST the variable stays out.
        string url = text.EndsWith("{?dns}", StringComparison.Ordinal) ? text[..^"{?dns}".Length] : text;
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) || parsed.Host.Length == 0)
        {
            throw Wrong(text, "is not a URL");
        }

        if (parsed.UserInfo.Length > 0 || parsed.Fragment.Length > 0)
        {
            throw Wrong(parsed.UserInfo.Contains(':', StringComparison.Ordinal) ? parsed.Host : text, "has a user or a fragment, which DNS over HTTPS has no use for");
        }

        return new NamesPolicy(NamesKind.Https) { Url = parsed.PathAndQuery == "/" ? new Uri(parsed, DefaultPath) : parsed };
    }

    private static CulvertException Wrong(string text, string why) => new(FailureKind.Usage, $"--dns '{text}' {why}. {Choices}");
}
