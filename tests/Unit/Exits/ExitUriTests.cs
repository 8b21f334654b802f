using System;
using System.IO;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Trust;
using Xunit;

namespace Culvert.Tests.Unit.Exits;

public sealed class ExitUriTests
{
    [Theory]
    [InlineData("direct:", ExitScheme.Direct, "", 0, null, null)]
    [InlineData("socks5://h", ExitScheme.Socks5, "h", 1080, null, null)]
    [InlineData("SOCKS5H://h:9", ExitScheme.Socks5, "h", 9, null, null)]
    [InlineData("http://proxy/", ExitScheme.Http, "proxy", 80, null, null)]
    [InlineData("http://u:p@proxy:3128", ExitScheme.Http, "proxy", 3128, "u", "p")]
    [InlineData("socks5://us%40er:p%3Aa%2Fs@s%25@[2001:db8::1]:1", ExitScheme.Socks5, "2001:db8::1", 1, "us@er", "p:a/s@s%")]
    [InlineData("socks5://u@h", ExitScheme.Socks5, "h", 1080, "u", "")]
    [InlineData("tls://h", ExitScheme.Tls, "h", 7443, null, null)]
    [InlineData("tls://[2001:db8::1]:443/", ExitScheme.Tls, "2001:db8::1", 443, null, null)]
    [InlineData("unix:/run/a b", ExitScheme.Unix, "/run/a b", 0, null, null)]
    [InlineData("Anna's PC", ExitScheme.Gateway, "Anna's PC", 0, null, null)]
    [InlineData("socks5://%C3%A9:p%C3%A9ß/@h", ExitScheme.Socks5, "h", 1080, "é", "péß/")]
    public void TheFormsOfAnExitAreUnderstood(string text, ExitScheme scheme, string host, int port, string? user, string? password)
    {
        ExitUri uri = ExitUri.Parse(text);
        Assert.Equal((scheme, host, port, user, password), (uri.Scheme, uri.Host, uri.Port, uri.UserName, uri.Password));
    }

    [Theory]
    [InlineData("", "not an exit")]
    [InlineData("ftp://h", "not an exit")]
    [InlineData("--no-such-option", "not an exit")]
    [InlineData("socks4://h:1", "version 5")]
    [InlineData("socks5:h:1", "slashes")]
    [InlineData("socks5://", "no host")]
    [InlineData("socks5://:1080", "no host")]
    [InlineData("socks5://u:p@", "no host")]
    [InlineData("socks5://h:0", "port '0'")]
    [InlineData("socks5://h:65536", "port '65536'")]
    [InlineData("socks5://h:", "port ''")]
    [InlineData("socks5://h:+1", "port '+1'")]
    [InlineData("socks5://h:1/path", "path")]
    [InlineData("socks5://a:b:c", "brackets")]
    [InlineData("socks5://[::1", "brackets")]
    [InlineData("socks5://[1.2.3.4]:1", "brackets")]
    [InlineData("socks5://h h:1", "neither a name")]
    [InlineData("socks5://%4:p@h", "%25")]
    [InlineData("ssh://u@h", "not in this version")]
    [InlineData("ssh+wss://u@h/x", "not in this version")]
    [InlineData("u@h", "not in this version")]
    [InlineData("worker://h/p", "not in this version")]
    [InlineData("usb:", "not in this version")]
    [InlineData("https://h", "not in this version")]
    [InlineData("tls+wss://h", "not in this version")]
    [InlineData("tls://nokey@h", "no hash of a key")]
    [InlineData("unix:", "path of the socket")]
    public void AWrongExitIsAUsageErrorThatSaysWhatIsWrong(string text, string expected)
    {
        CulvertException e = Assert.Throws<CulvertException>(() => ExitUri.Parse(text));
        Assert.Equal(FailureKind.Usage, e.Kind);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AGatewayIsKnownByItsNameOrByItsAddressOnceItIsPaired()
    {
        using Identity gateway = Identity.CreateTemporary();
        using OneStore one = new();
        one.Store.Add(new TrustedPeer { Kind = PeerKind.Gateway, Name = "Home", Key = gateway.Hash, Added = default, Addresses = ["tls://192.0.2.7:7443", "tls://home.example:443"] });
        ExitUri byName = ExitUri.Parse("home").Known(one.Store.Peers);
        Assert.Equal("Home", byName.ToString());
        Assert.Equal([new Destination("192.0.2.7", 7443), new Destination("home.example", 443)], byName.Dialled);
        Assert.All(byName.Ways, way => Assert.Equal(gateway.Hash, way.Key));
        Assert.Equal(gateway.Hash, ExitUri.Parse("tls://HOME.example:443").Known(one.Store.Peers).Key);
        Assert.Equal(gateway.Hash, ExitUri.Parse($"tls://{gateway.Hash}@elsewhere").Known(one.Store.Peers).Key);
        Assert.Equal("tls://elsewhere:7443", ExitUri.Parse($"tls://{gateway.Hash}@elsewhere").ToString());
        Assert.Equal(FailureKind.Untrusted, Assert.Throws<CulvertException>(() => ExitUri.Parse("tls://192.0.2.8").Known(one.Store.Peers)).Kind);
        CulvertException stranger = Assert.Throws<CulvertException>(() => ExitUri.Parse("hoem").Known(one.Store.Peers));
        Assert.Equal(FailureKind.Configuration, stranger.Kind);
        Assert.Contains("Home", stranger.Message, StringComparison.Ordinal);
        Assert.Contains("culvert pair", stranger.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("socks5://user:sesame@h:1", "socks5://user@h:1")]
    [InlineData("http://user:sesame@[::1]", "http://user@[::1]")]
    [InlineData("direct:", "direct:")]
    public void ThePasswordIsNeverShown(string text, string shown) => Assert.Equal(shown, ExitUri.Parse(text).ToString());

    [Theory]
    [InlineData("socks5://user:sesame@h:x")]
    [InlineData("http://user:ses%ame@h")]
    [InlineData("ssh://user:sesame@h")]
    [InlineData("ftp://user:sesame@h")]
    [InlineData("user:sesame@h")]
    public void ThePasswordIsNotShownInErrorsEither(string text) =>
        Assert.DoesNotContain("ses", Assert.Throws<CulvertException>(() => ExitUri.Parse(text)).Message, StringComparison.Ordinal);

    private sealed class OneStore : IDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("culvert-exit-").FullName;

        public OneStore() => Store = new TrustStore(_directory, static _ => { });

        public TrustStore Store { get; }

        public void Dispose()
        {
            Store.Dispose();
            Directory.Delete(_directory, recursive: true);
        }
    }
}
