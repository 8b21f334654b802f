using System;
using System.Net.Security;
using Culvert.Trust;

namespace Culvert.Transports;

/// <summary>How a device speaks TLS to its gateway.</summary>
internal sealed record TlsClientOptions
{
    /// <summary>The key that the far side must show; null asks the system's authorities about <see cref="ServerName"/>, for a normal certificate on the outside.</summary>
    public required KeyHash? Pin { get; init; }

    /// <summary>Any key will do, since whose it is will be found out by what is spoken inside (pairing with a code). Not together with <see cref="Pin"/>.</summary>
    public bool AnyKey { get; init; }

    /// <summary>Our key, shown when the far side asks; null shows none.</summary>
    public required Identity? Identity { get; init; }

    /// <summary>The name that is said openly (SNI, RFC 6066 section 3), which a wire-tapper sees; empty says none.</summary>
    public string ServerName { get; init; } = "";

    /// <summary>What is to be spoken inside; the far side must agree.</summary>
    public SslApplicationProtocol Protocol { get; init; } = TlsProtocols.Vshp;

    /// <summary>How long the handshake may take.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(15);
}
