using System;
using Culvert.Core;
using Culvert.Names;
using Xunit;

namespace Culvert.Tests.Unit.Names;

public class NamesPolicyTests
{
    [Theory]
    [InlineData("auto", NamesKind.Auto, "auto")]
    [InlineData("virtual", NamesKind.Virtual, "virtual")]
    [InlineData("remote", NamesKind.Remote, "remote")]
    [InlineData("9.9.9.9", NamesKind.Server, "9.9.9.9:53")]
    [InlineData("9.9.9.9:5353", NamesKind.Server, "9.9.9.9:5353")]
    [InlineData("2620:fe::fe", NamesKind.Server, "[2620:fe::fe]:53")]
    [InlineData("[2620:fe::fe]", NamesKind.Server, "[2620:fe::fe]:53")]
    [InlineData("[2620:fe::fe]:5353", NamesKind.Server, "[2620:fe::fe]:5353")]
    [InlineData("https://dns.example/dns-query", NamesKind.Https, "https://dns.example/dns-query")]
    [InlineData("https://dns.example/dns-query{?dns}", NamesKind.Https, "https://dns.example/dns-query")]
    [InlineData("https://dns.example", NamesKind.Https, "https://dns.example/dns-query")]
    [InlineData("HTTPS://9.9.9.9:8443/", NamesKind.Https, "https://9.9.9.9:8443/dns-query")]
    [InlineData("https://dns.example/a/b?c=d", NamesKind.Https, "https://dns.example/a/b?c=d")]
    public void EveryFormIsRead(string text, NamesKind kind, string written)
    {
        NamesPolicy policy = NamesPolicy.Parse(text);
        Assert.Equal(kind, policy.Kind);
        Assert.Equal(written, policy.ToString());
        Assert.Equal(written, NamesPolicy.Parse(written).ToString());
    }

    [Theory]
    [InlineData("", "not an address")]
    [InlineData("vitual", "not an address")]
    [InlineData("dns.example", "not an address")]
    [InlineData("1", "not an address")]
    [InlineData("9.9.9", "not an address")]
    [InlineData("9.9.9.9:", "port ''")]
    [InlineData("9.9.9.9:0", "port '0'")]
    [InlineData("9.9.9.9:65536", "port '65536'")]
    [InlineData("9.9.9.9:dns", "port 'dns'")]
    [InlineData("[::1]:x", "port 'x'")]
    [InlineData("[::1", "not an address")]
    [InlineData("[::1]5", "not an address")]
    [InlineData("http://dns.example/", "scheme 'http'")]
    [InlineData("tls://9.9.9.9", "scheme 'tls'")]
    [InlineData("https://", "not a URL")]
    [InlineData("https://me@dns.example/", "user")]
    [InlineData("https://dns.example/#x", "fragment")]
    public void WhatIsWrongIsSaidWithWhatThereIs(string text, string why)
    {
        CulvertException e = Assert.Throws<CulvertException>(() => NamesPolicy.Parse(text));
        Assert.Equal(FailureKind.Usage, e.Kind);
        Assert.Contains($"'{text}'", e.Message, StringComparison.Ordinal);
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
        Assert.Contains("auto, virtual, remote", e.Message, StringComparison.Ordinal);
    }
}
