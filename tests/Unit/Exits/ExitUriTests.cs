using System;
using Culvert.Core;
using Culvert.Exits;
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
    [InlineData("socks5://%C3%A9:p%C3%A9ß/@h", ExitScheme.Socks5, "h", 1080, "é", "péß/")]
    public void TheFormsOfAnExitAreUnderstood(string text, ExitScheme scheme, string host, int port, string? user, string? password)
    {
        ExitUri uri = ExitUri.Parse(text);
        Assert.Equal((scheme, host, port, user, password), (uri.Scheme, uri.Host, uri.Port, uri.UserName, uri.Password));
    }

    [Theory]
    [InlineData("", "not an exit")]
    [InlineData("ftp://h", "not an exit")]
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
    public void AWrongExitIsAUsageErrorThatSaysWhatIsWrong(string text, string expected)
    {
        CulvertException e = Assert.Throws<CulvertException>(() => ExitUri.Parse(text));
        Assert.Equal(FailureKind.Usage, e.Kind);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
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
}
