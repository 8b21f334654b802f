using System;
using System.IO;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Transports;

/// <summary>TLS 1.3 over another transport, with keys that are known beforehand on both sides. No authority is asked where a key is pinned, and no clock.</summary>
internal sealed class TlsTransport(ITransport inner, TlsClientOptions options) : ITransport
{
    /// <inheritdoc/>
    public string Description => inner is TcpTransport ? "tls" + inner.Description["tcp".Length..] : $"tls over {inner.Description}";

    /// <inheritdoc/>
    async ValueTask<IConnection> ITransport.OpenAsync(CancellationToken cancellation) => await OpenAsync(cancellation).ConfigureAwait(false);

    /// <summary>Opens it; the result says which key the far side has.</summary>
    /// <exception cref="CulvertException">
    /// <see cref="FailureKind.Untrusted"/>: it is another key than the one pinned; <see cref="FailureKind.Protocol"/>: what answers does not speak this; and those of the inner transport.
    /// </exception>
    public async ValueTask<TlsConnection> OpenAsync(CancellationToken cancellation)
    {
        IConnection connection = await inner.OpenAsync(cancellation).ConfigureAwait(false);
        SslStream tls = new(new ConnectionStream(connection));
        try
        {
            return await Deadline.RunAsync(
                options.HandshakeTimeout, $"The TLS handshake with {Description}", token => ShakeAsync(tls, connection, token), cancellation).ConfigureAwait(false);
        }
        catch
        {
            connection.Abort();
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<TlsConnection> ShakeAsync(SslStream tls, IConnection connection, CancellationToken cancellation)
    {
        KeyHash? shown = null;
        bool refused = false;
        SslClientAuthenticationOptions settings = new()
        {
            TargetHost = options.ServerName,
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [options.Protocol],
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = options.Pin is null && !options.AnyKey ? null : TlsSettings.NoChain,
            AllowTlsResume = false, // a ticket would tell the wire that it is us again
            ClientCertificateContext = options.Identity is { } identity ? SslStreamCertificateContext.Create(identity.Certificate, null, offline: true) : null,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
            {
                shown = certificate is X509Certificate2 known ? KeyHash.Of(known) : null;
                refused = options.Pin is { } pin ? shown != pin : options.AnyKey ? shown is null : errors != SslPolicyErrors.None;
                return !refused;
            },
        };
        try
        {
            await tls.AuthenticateAsClientAsync(settings, cancellation).ConfigureAwait(false);
        }
        catch (Exception) when (refused)
        {
            throw new CulvertException(FailureKind.Untrusted, options.Pin is { } pin
                ? $"{Description} is not who it should be: its key is {shown}, and the one known is {pin}. Somebody stands in between, or it was set up anew; if you know that it was, pair with it again."
                : $"{Description} shows a certificate that no authority of this system vouches for as '{options.ServerName}'.");
        }
        catch (AuthenticationException e)
        {
            throw new CulvertException(FailureKind.Protocol, $"What answers at {Description} does not speak TLS 1.3 as a gateway does. Check address and port.", e);
        }
        catch (IOException e) when (StreamConnection.TryToFailure(e, $"The TLS handshake with {Description}") is { } failure)
        {
            throw failure;
        }

        return tls.NegotiatedApplicationProtocol == options.Protocol
            ? new TlsConnection(tls, connection, $"The connection to {Description}")
            : throw new CulvertException(FailureKind.Protocol, $"What answers at {Description} speaks TLS, but is no gateway of Culvert ({options.Protocol}).");
    }
}
