using System;
using System.IO;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Culvert.Core;
using Culvert.Platform.Files;

namespace Culvert.Trust;

/// <summary>
/// Who this machine's user is to other devices: an ECDSA key on P-256 (FIPS 186-5), made at the first use and kept in <c>identity.pem</c> (PKCS #8, RFC 5958; its owner's
/// alone). Peers know it by its <see cref="Hash"/>; the certificate around it is made anew each time, for TLS wants one, and says nothing.
/// </summary>
public sealed class Identity : IDisposable
{
    /// <summary>The file's name in its directory.</summary>
    public const string FileName = "identity.pem";

    private const int MaxFile = 16 * 1024;
    private const string Curve = "1.2.840.10045.3.1.7"; // P-256

    private Identity(X509Certificate2 certificate)
    {
        Certificate = certificate;
        Hash = KeyHash.Of(certificate);
    }

    /// <summary>A self-signed certificate with the private key, for SslStream.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>What peers know it by.</summary>
    public KeyHash Hash { get; }

    /// <summary>Loads the identity in <paramref name="directory"/>, making both where they are not there. Two processes at once get the same.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: it cannot be read or written, others may read it, or it is broken. It is never written over.</exception>
    public static Identity Load(string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (PrivateFile.Read(path, MaxFile) is { } file)
        {
            return Read(path, file);
        }

        PrivateFile.MakeDirectory(directory);
        using FileLock held = new(path + ".lock");
        if (PrivateFile.Read(path, MaxFile) is { } others)
        {
            return Read(path, others);
        }

        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AtomicFile.Write(path, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        return new Identity(Certify(key));
    }

    /// <summary>A new identity that is kept nowhere.</summary>
    public static Identity CreateTemporary()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new Identity(Certify(key));
    }

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    private static Identity Read(string path, byte[] file)
    {
        using ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromPem(Encoding.ASCII.GetString(file));
            if (key.ExportParameters(includePrivateParameters: true) is { D: not null } parameters && parameters.Curve.Oid.Value == Curve)
            {
                return new Identity(Certify(key));
            }
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw Broken(path, e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(file);
        }

        throw Broken(path, null);
    }

    // Whoever pins a key asks neither for names nor for dates; a clock that is wrong must not matter either.
    private static X509Certificate2 Certify(ECDsa key)
    {
        CertificateRequest request = new("CN=culvert", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        return request.CreateSelfSigned(new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero));
    }

    private static CulvertException Broken(string path, Exception? cause) => new(
        FailureKind.Configuration,
        $"{path} is no private key of P-256 any more. Restore it from a copy; or move it away, and pair this machine again with all that know it.",
        cause);
}
