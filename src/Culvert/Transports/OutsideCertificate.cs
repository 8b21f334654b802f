using System;
using System.IO;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Culvert.Core;

namespace Culvert.Transports;

/// <summary>A normal certificate with its key, from PEM files as authorities give them: for where a browser or a CDN is to see one.</summary>
internal static class OutsideCertificate
{
    /// <summary>
    /// One that signs itself, of a new key, as web servers come with until somebody gives them another. It tells nothing: not the gateway's own key, nor that this is one.
    /// </summary>
    public static SslStreamCertificateContext MakeOwn(DateTimeOffset now)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: false));
        return SslStreamCertificateContext.Create(request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10)), null, offline: true);
    }

    /// <summary>Loads the certificate (with those of its issuers behind it) and its key, which may be in the same file.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: the files cannot be read, hold something else, or do not belong together.</exception>
    public static SslStreamCertificateContext Load(string certificatePath, string keyPath)
    {
        try
        {
            X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
            X509Certificate2Collection chain = [];
            chain.ImportFromPemFile(certificatePath);
            return SslStreamCertificateContext.Create(certificate, chain, offline: true);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new CulvertException(FailureKind.Configuration, $"{certificatePath} and {keyPath} are no certificate and key in PEM that belong together: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CulvertException(FailureKind.Configuration, $"The certificate {certificatePath} or its key {keyPath} cannot be read: {e.Message}", e);
        }
    }
}
