using System;
using System.Net;
using Culvert.Core;
using Culvert.Exits;

namespace Culvert.Serving;

/// <summary>By what devices come in.</summary>
public enum ListenKind
{
    /// <summary><c>tls://address:port</c>.</summary>
    Tls,

    /// <summary><c>unix:path</c>: whoever may connect to the socket is served.</summary>
    Unix,

    /// <summary><c>stdio</c>: one device, over standard input and output, and the gateway ends with it.</summary>
    Stdio,
}

/// <summary>Where a gateway listens: <c>tls://address[:port]</c>, <c>unix:path</c> or <c>stdio</c>.</summary>
/// <param name="Kind">By what.</param>
/// <param name="Endpoint">Address and port of <see cref="ListenKind.Tls"/>; <c>[::]</c> is every address, IPv4 too.</param>
/// <param name="Path">The path of <see cref="ListenKind.Unix"/>.</param>
public sealed record ListenAddress(ListenKind Kind, IPEndPoint? Endpoint = null, string Path = "")
{
    private const string TlsScheme = "tls://";
    private const string UnixScheme = "unix:";

    /// <summary>All addresses of this machine.</summary>
    public static ListenAddress Default { get; } = new(ListenKind.Tls, new IPEndPoint(IPAddress.IPv6Any, ExitUri.DefaultTlsPort));

    /// <summary>Reads one.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Usage"/>: what to write instead.</exception>
    public static ListenAddress Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == "stdio")
        {
            return new ListenAddress(ListenKind.Stdio);
        }

        if (text.StartsWith(UnixScheme, StringComparison.Ordinal) && text.Length > UnixScheme.Length)
        {
            return new ListenAddress(ListenKind.Unix, Path: text[UnixScheme.Length..]);
        }

        string place = text.StartsWith(TlsScheme, StringComparison.Ordinal) ? text[TlsScheme.Length..] : "";
        bool hasPort = place.LastIndexOf(':') > place.LastIndexOf(']');
        string whole = hasPort ? place : $"{place}:{ExitUri.DefaultTlsPort}";

        // An IPv6 address stands in brackets: without them its last group would be a port.
        bool isPlain = place.Length > 0 && (place[0] == '[' || place.IndexOf(':', StringComparison.Ordinal) == place.LastIndexOf(':')) && !place.StartsWith(':');
        return isPlain && IPEndPoint.TryParse(whole, out IPEndPoint? endpoint)
            ? new ListenAddress(ListenKind.Tls, endpoint)
            : throw new CulvertException(FailureKind.Usage, $"--listen takes tls://ADDRESS:PORT like tls://[::]:7443 or tls://192.0.2.1:443, unix:PATH, or stdio; '{text}' is none of them.");
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        ListenKind.Tls => $"{TlsScheme}{Endpoint}",
        ListenKind.Unix => UnixScheme + Path,
        _ => "stdio",
    };
}
