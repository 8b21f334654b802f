using System;
using Culvert.Core;
using Culvert.Serving;
using Xunit;

namespace Culvert.Tests.Unit.Serving;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData("tls://[::]:7443", "tls://[::]:7443")]
    [InlineData("tls://192.0.2.1", "tls://192.0.2.1:7443")]
    [InlineData("tls://[2001:db8::1]", "tls://[2001:db8::1]:7443")]
    [InlineData("tls://127.0.0.1:0", "tls://127.0.0.1:0")]
    [InlineData("unix:/run/x y", "unix:/run/x y")]
    [InlineData("stdio", "stdio")]
    public void ItsFormsAreUnderstood(string text, string whole) => Assert.Equal(whole, ListenAddress.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("7443")]
    [InlineData("tls://")]
    [InlineData("tls://:7443")]
    [InlineData("tls://home:7443")]
    [InlineData("tls://2001:db8::1")]
    [InlineData("tls://127.0.0.1:70000")]
    [InlineData("unix:")]
    [InlineData("tcp://127.0.0.1:1")]
    public void AnythingElseIsAUsageErrorThatShowsHow(string text)
    {
        CulvertException e = Assert.Throws<CulvertException>(() => ListenAddress.Parse(text));
        Assert.Equal(FailureKind.Usage, e.Kind);
        Assert.Contains("tls://[::]:7443", e.Message, StringComparison.Ordinal);
    }
}
