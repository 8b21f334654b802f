using System;
using System.IO;
using System.Linq;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Trust;
using Xunit;

namespace Culvert.Tests.Unit.Trust;

[SupportedOSPlatform("linux")]
public sealed class IdentityTests : IDisposable
{
    private readonly string _directory = Path.Combine(Directory.CreateTempSubdirectory("culvert-trust-").FullName, "culvert");

    private string FilePath => Path.Combine(_directory, Identity.FileName);

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_directory)!, recursive: true);

    [Fact]
    public void ItIsMadeAtTheFirstUseAndStaysTheSame()
    {
        using Identity first = Identity.Load(_directory);
        using Identity second = Identity.Load(_directory);
        Assert.Equal(first.Hash, second.Hash);
        Assert.True(second.Certificate.HasPrivateKey);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_directory));

        using ECDsa key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(FilePath));
        Assert.Equal(KeyHash.Read(SHA256.HashData(key.ExportSubjectPublicKeyInfo())), first.Hash);
        Assert.Equal(256, key.KeySize);
    }

    [Fact]
    public async Task ManyAtOnceGetTheSame()
    {
        Task<KeyHash>[] loads = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            using Identity identity = Identity.Load(_directory);
            return identity.Hash;
        }))];
        Assert.Single((await Task.WhenAll(loads)).Distinct());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")]
    [InlineData("rsa")]
    [InlineData("p384")]
    [InlineData("public")]
    public void ABrokenOneIsRefusedAndNeverWrittenOver(string content)
    {
        using RSA rsa = RSA.Create(2048);
        using ECDsa larger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using ECDsa usual = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        content = content switch { "rsa" => rsa.ExportPkcs8PrivateKeyPem(), "p384" => larger.ExportPkcs8PrivateKeyPem(), "public" => usual.ExportSubjectPublicKeyInfoPem(), _ => content };
        Directory.CreateDirectory(_directory);
        File.WriteAllText(FilePath, content);
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        CulvertException e = Assert.Throws<CulvertException>(() => Identity.Load(_directory));
        Assert.Equal(FailureKind.Configuration, e.Kind);
        Assert.Contains("pair this machine again", e.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(FilePath));
    }

    [Fact]
    public void OneThatOthersMayReadIsRefused()
    {
        Identity.Load(_directory).Dispose();
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", Assert.Throws<CulvertException>(() => Identity.Load(_directory)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AHashIsWrittenInOneWayOnly()
    {
        using Identity identity = Identity.CreateTemporary();
        string text = identity.Hash.ToString();
        Assert.Equal(KeyHash.TextSize, text.Length);
        Assert.True(KeyHash.TryParse(text, out KeyHash read) && read == identity.Hash);
        byte[] bytes = new byte[KeyHash.Size];
        read.Write(bytes);
        Assert.Equal(read, KeyHash.Read(bytes));
        Assert.False(KeyHash.TryParse(text + "=", out _));
        Assert.False(KeyHash.TryParse(text.AsSpan(0, KeyHash.TextSize - 1), out _));
        Assert.False(KeyHash.TryParse("" + new string('A', 42) + "B", out _)); // bits behind the last byte
        Assert.False(KeyHash.TryParse(new string('+', 43), out _));
        Assert.False(KeyHash.TryParse(new string('é', 43), out _));
    }
}
