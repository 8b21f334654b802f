using System;
using System.Collections.Generic;
using System.Net;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;

namespace Culvert.Entries;

/// <summary>
/// One <c>-L</c> as OpenSSH writes it: <c>[bind:]port:host:hostport</c>, <c>[bind:]port:/socket</c>, <c>/socket:host:hostport</c> or <c>/socket:/socket</c>.
/// Without <c>bind</c>, or with <c>localhost</c>, it listens on 127.0.0.1; with <c>*</c> or an empty one on all addresses. Port 0 takes a free one.
/// </summary>
public sealed record ForwardSpec
{
    private const string Example = "Write it like 8080:host:80, 127.0.0.1:8080:host:80, 8080:/path/of.sock or /path/of.sock:host:80.";

    private ForwardSpec()
    {
    }

    /// <summary>Where it listens; null when that is <see cref="ListenPath"/>.</summary>
    public IPEndPoint? Listen { get; private init; }

    /// <summary>The Unix socket it listens on; null when that is <see cref="Listen"/>.</summary>
    public string? ListenPath { get; private init; }

    /// <summary>Where it leads; means nothing when that is <see cref="DestinationPath"/>.</summary>
    public Destination Destination { get; private init; }

    /// <summary>The Unix socket it leads to; null when that is <see cref="Destination"/>.</summary>
    public string? DestinationPath { get; private init; }

    /// <summary>Reads one; a <see cref="CulvertException"/> of kind Usage says what is wrong with it.</summary>
    public static ForwardSpec Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<string> parts = Split(text);
        // From the end: a path, or host and port.
        bool toPath = parts[^1].StartsWith('/');
        int destinationParts = toPath ? 1 : 2;
        int listenParts = parts.Count - destinationParts;
        if (listenParts is < 1 or > 2 || (listenParts == 2 && parts[0].StartsWith('/')))
        {
            throw Wrong(text, "does not have the parts of a forward", Example);
        }

        bool fromPath = listenParts == 1 && parts[0].StartsWith('/');
        return new ForwardSpec
        {
            ListenPath = fromPath ? parts[0] : null,
            Listen = fromPath ? null : new IPEndPoint(ParseBind(listenParts == 2 ? parts[0] : null, text), ParseListenPort(parts[listenParts - 1], text)),
            DestinationPath = toPath ? parts[^1] : null,
            Destination = toPath ? default : ParseDestination(parts[^2], parts[^1], text),
        };
    }

    /// <inheritdoc/>
    public override string ToString() => $"{ListenPath ?? Listen!.ToString()} to {DestinationPath ?? Destination.ToString()}";

    // At colons, except within the brackets of an IPv6 address.
    private static List<string> Split(string text)
    {
        List<string> parts = [];
        int start = 0;
        bool inside = false;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || (text[i] == ':' && !inside))
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
            else
            {
                inside = text[i] == '[' || (inside && text[i] != ']');
            }
        }

        return inside ? throw Wrong(text, "has a bracket that is not closed", Example) : parts;
    }

    private static IPAddress ParseBind(string? bind, string text) => bind switch
    {
        null or "localhost" => IPAddress.Loopback,
        "" or "*" => System.Net.Sockets.Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any,
        _ when IPAddress.TryParse(bind.Trim('[', ']'), out IPAddress? address) => address,
        _ => throw Wrong(text, $"listens on '{bind}', which is not an address", "Write an address of this machine, localhost or *."),
    };

    private static int ParseListenPort(string port, string text) => port == "0" ? 0 : ParsePort(port, text);

    private static ushort ParsePort(string port, string text) => HttpAuthority.TryParsePort(port, out ushort number)
        ? number
        : throw Wrong(text, $"has '{port}' where a port from 1 to 65535 belongs", Example);

    private static Destination ParseDestination(string host, string port, string text)
    {
        ushort number = ParsePort(port, text);
        return HttpAuthority.TryParse(host, 0, out string name, out _)
            ? new Destination(name, number)
            : throw Wrong(text, $"has '{host}' where a host belongs", Example);
    }

    private static CulvertException Wrong(string text, string what, string next) => new(FailureKind.Usage, $"The forward '{text}' {what}. {next}");
}
