using System;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Transports;

/// <summary>The accepting side of TLS 1.3: puts it over connections that were accepted, so many and so long at a time. For use from many threads.</summary>
internal sealed class TlsServer
{
    private const string What = "The TLS handshake";

    private readonly TlsServerOptions _options;
    private readonly AddressCount _count;

    /// <summary>A server that has accepted nothing yet.</summary>
    public TlsServer(TlsServerOptions options)
    {
        _options = options;
        _count = new AddressCount(options.Limits.Total, options.Limits.PerAddress);
    }

    /// <summary>Handshakes under way.</summary>
    public int HandshakesUnderWay => _count.Total;

    /// <summary>The certificate of an identity as it is shown to devices.</summary>
    public static SslStreamCertificateContext CertificateOf(Identity identity) => SslStreamCertificateContext.Create(identity.Certificate, null, offline: true);

    /// <summary>
    /// Puts TLS over <paramref name="connection"/>, which it takes over: on any failure it is dropped. Who the client is says <see cref="TlsConnection.Peer"/>.
    /// </summary>
    /// <param name="connection">The connection; not a byte of it read.</param>
    /// <param name="from">Whom it is from; null where there are no addresses.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="CulvertException">
    /// <see cref="FailureKind.Protocol"/>: what came was no handshake that we take (TLS 1.2, HTTP, SSH, noise, no key); <see cref="FailureKind.TimedOut"/>;
    /// <see cref="FailureKind.LimitReached"/>: too many are under way; and those of the connection.
    /// </exception>
    public async ValueTask<TlsConnection> AcceptAsync(IConnection connection, IPAddress? from, CancellationToken cancellation)
    {
        if (!_count.TryBegin(from))
        {
            connection.Abort();
            throw new CulvertException(FailureKind.LimitReached, "Too many TLS handshakes are under way.");
        }

        try
        {
            return await Deadline.RunAsync(_options.Limits.Time, What, token => ShakeAsync(connection, token), cancellation).ConfigureAwait(false);
        }
        catch
        {
            connection.Abort();
            throw;
        }
        finally
        {
            _count.End(from);
        }
    }

    private async ValueTask<TlsConnection> ShakeAsync(IConnection connection, CancellationToken cancellation)
    {
        ShortQueue.Keep(connection);

        // Who says nothing costs no buffers.
        await connection.ReadAsync(Memory<byte>.Empty, cancellation).ConfigureAwait(false);
        TlsServerOptions options = _options;
        if (_options.Others is { } others)
        {
            BufferedConnection client = new(connection);
            options = await OffersAsync(client, _options.Protocols[0], cancellation).ConfigureAwait(false) ? _options : others;
            connection = client;
        }

        SslStream tls = new(new ConnectionStream(connection));
        try
        {
            await tls.AuthenticateAsServerAsync(Settings(options), cancellation).ConfigureAwait(false);
            bool spoken = tls.NegotiatedApplicationProtocol.Protocol.Length > 0;
            return spoken || options.AllowNoProtocol
                ? new TlsConnection(tls, connection, "The device's connection")
                : throw new CulvertException(FailureKind.Protocol, $"{What} failed: the client does not say what it speaks.");
        }
        catch (Exception e)
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw e switch
            {
                AuthenticationException => new CulvertException(FailureKind.Protocol, $"{What} failed: the client does not speak TLS 1.3 as a device does.", e),
                _ => StreamConnection.TryToFailure(e, What) ?? e,
            };
        }
    }

    private static async ValueTask<bool> OffersAsync(BufferedConnection client, SslApplicationProtocol protocol, CancellationToken cancellation)
    {
        ClientHelloKind kind = ClientHelloKind.Incomplete;
        while (kind == ClientHelloKind.Incomplete && client.Buffered.Length < ClientHello.MaxSize && await client.FillAsync(ClientHello.MaxSize, cancellation).ConfigureAwait(false))
        {
            kind = ClientHello.Read(client.Buffered.Span, protocol.Protocol.Span);
        }

        return kind == ClientHelloKind.Offers;
    }

    private static SslServerAuthenticationOptions Settings(TlsServerOptions options) => new()
    {
        ServerCertificateContext = options.Certificate,
        EnabledSslProtocols = options.RequireKey ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13, // as web servers have it
        ApplicationProtocols = [.. options.Protocols],
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = TlsSettings.NoChain,
        AllowTlsResume = !options.RequireKey,
        AllowRenegotiation = false,
        ClientCertificateRequired = options.RequireKey,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null || !options.RequireKey,
    };
}
