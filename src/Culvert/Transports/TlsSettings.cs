using System.Security.Cryptography.X509Certificates;

namespace Culvert.Transports;

/// <summary>What both sides of pinned TLS have in common.</summary>
internal static class TlsSettings
{
    /// <summary>
    /// How a pinned certificate's chain is looked at: not at all. Without this the system would look for its issuer, and fetch what the certificate tells it to.
    /// </summary>
    public static X509ChainPolicy NoChain => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        VerificationFlags = X509VerificationFlags.AllFlags,
        DisableCertificateDownloads = true,
    };
}
