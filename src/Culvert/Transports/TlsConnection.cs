using System;
using System.Buffers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;
using Culvert.Trust;

namespace Culvert.Transports;

/// <summary>
/// A connection under TLS, once the handshake is over. An end of the stream without TLS's own word for it shows as an ordinary end: what is spoken inside says itself when it is over.
/// </summary>
internal sealed class TlsConnection : IConnection
{
    private readonly StreamConnection _stream;

    /// <summary>Takes over both.</summary>
    public TlsConnection(SslStream tls, IConnection inner, string what)
    {
        Protocol = tls.NegotiatedApplicationProtocol;
        Peer = tls.RemoteCertificate is X509Certificate2 certificate ? KeyHash.Of(certificate) : null;
        _stream = new StreamConnection(
            tls,
            tls,
            what,
            async cancellation =>
            {
                await tls.ShutdownAsync().WaitAsync(cancellation).ConfigureAwait(false);
                await inner.FinishAsync(cancellation).ConfigureAwait(false);
            },
            async reset =>
            {
                if (reset)
                {
                    inner.Abort();
                }

                await tls.DisposeAsync().ConfigureAwait(false);
            });
    }

    /// <summary>Whose key the far side has shown, and proved to have; null when it showed none.</summary>
    public KeyHash? Peer { get; }

    /// <summary>What both agreed to speak; empty when the client did not say.</summary>
    public SslApplicationProtocol Protocol { get; }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default) => _stream.ReadAsync(buffer, cancellation);

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default) => _stream.WriteAsync(data, cancellation);

    /// <inheritdoc/>
    public ValueTask FinishAsync(CancellationToken cancellation = default) => _stream.FinishAsync(cancellation);

    /// <inheritdoc/>
    public void Abort() => _stream.Abort();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
