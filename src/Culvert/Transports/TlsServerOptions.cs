using System.Collections.Generic;
using System.Net.Security;

namespace Culvert.Transports;

/// <summary>How a gateway speaks TLS.</summary>
internal sealed record TlsServerOptions
{
    /// <summary>What it shows: its identity's certificate, or a normal one on the outside (<see cref="OutsideCertificate"/>).</summary>
    public required SslStreamCertificateContext Certificate { get; init; }

    /// <summary>
    /// Whether the client must show a key. Any key will do here; whether it is known is for whoever accepts to say. Without, no key is asked for, as by an ordinary web server.
    /// </summary>
    public bool RequireKey { get; init; } = true;

    /// <summary>
    /// Who this is to clients that do not offer the first of <see cref="Protocols"/>, from the handshake on; null has their handshake fail. <see cref="TlsConnection.Protocol"/> tells them apart.
    /// </summary>
    public TlsServerOptions? Others { get; init; }

    /// <summary>What may be spoken inside, the best first.</summary>
    public IReadOnlyList<SslApplicationProtocol> Protocols { get; init; } = [TlsProtocols.Vshp];

    /// <summary>Whether a client may say nothing about what it will speak, as old web clients do.</summary>
    public bool AllowNoProtocol { get; init; }

    /// <summary>What strangers may cost.</summary>
    public HandshakeLimits Limits { get; init; } = HandshakeLimits.Default;
}
