using System;
using System.Linq;
using Culvert.Core;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Transports;

namespace Culvert.Exits;

/// <summary>Makes the exit that an <see cref="ExitUri"/> names.</summary>
public static class ExitFactory
{
    /// <summary>Makes it; nothing is sent yet (see <see cref="IExit.ProbeAsync"/>).</summary>
    public static IExit Create(ExitUri uri, ExitOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(uri);
        options ??= ExitOptions.Default;
        return uri.Scheme switch
        {
            ExitScheme.Direct => new DirectExit(options.Answer is null ? options with { Answer = new SystemResolver().ResolveAsync } : options),
            ExitScheme.Socks5 => new Socks5Exit(uri, options),
            ExitScheme.Http => new HttpExit(uri, options),
            ExitScheme.Tls or ExitScheme.Unix or ExitScheme.Gateway => CreateGateway(uri, options),
            _ => throw new ArgumentOutOfRangeException(nameof(uri), uri.Scheme, null),
        };
    }

    private static GatewayExit CreateGateway(ExitUri uri, ExitOptions options)
    {
        ExitUri[] ways = uri.Scheme == ExitScheme.Gateway ? [.. uri.Ways] : [uri];
        if (ways.Length == 0)
        {
            throw new CulvertException(FailureKind.Configuration, $"No address of the gateway '{uri}' is known.");
        }

        DirectExit direct = new(options);
        return new GatewayExit([.. ways.Select(way => Transport(way, direct, options))], GatewayExitOptions.Default with
        {
            Name = uri.ToString(),
            ConnectTimeout = options.ConnectTimeout,
            HandshakeTimeout = options.HandshakeTimeout,
            EchoTimeout = options.EchoTimeout,
            Clock = options.Clock,
        });
    }

    private static ITransport Transport(ExitUri way, DirectExit direct, ExitOptions options) => way.Scheme == ExitScheme.Unix
        ? new UnixTransport(direct, way.Host)
        : new TlsTransport(new TcpTransport(options.Via ?? direct, new Destination(way.Host, way.Port)), new TlsClientOptions
        {
            Pin = way.Key ?? throw new CulvertException(FailureKind.Untrusted, $"Which key is to be at {way} is not known."),
            Identity = options.Identity ?? throw new CulvertException(FailureKind.Configuration, $"{way} asks who we are, and there is no key of ours."),
        });
}
