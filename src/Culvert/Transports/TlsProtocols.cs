using System.Net.Security;

namespace Culvert.Transports;

/// <summary>What is spoken inside TLS, as ALPN (RFC 7301) names it.</summary>
internal static class TlsProtocols
{
    /// <summary>VSHP, version 1.</summary>
    public static SslApplicationProtocol Vshp { get; } = new("culvert/1");

    /// <summary>What whoever is no device may speak.</summary>
    public static SslApplicationProtocol Web { get; } = SslApplicationProtocol.Http11;
}
