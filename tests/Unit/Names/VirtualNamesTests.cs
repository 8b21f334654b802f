using System;
using System.Net;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Tests.Unit.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Names;

public sealed class VirtualNamesTests : IAsyncDisposable
{
    private readonly NameService _names = new(NamesPolicy.Virtual, new FakeExit());

    public ValueTask DisposeAsync() => _names.DisposeAsync();

    [Theory]
    [InlineData(DnsType.A, "198.18.1.0")]
    [InlineData(DnsType.Aaaa, "fd43:756c:7665::100")]
    public async Task AHostsAddressIsAFakeThatLeadsBackToItsName(DnsType type, string fake)
    {
        IPAddress address = Assert.Single(Wire.Addresses(await AskAsync("WWW.example.com", type)));
        Assert.Equal(IPAddress.Parse(fake), address);
        Assert.Equal(new Destination("www.example.com", 443), _names.Restore(address, 443));
    }

    [Fact]
    public async Task TheAnswersLifeIsShort()
    {
        ReadOnlyMemory<byte> answer = await AskAsync("example.com", DnsType.A);
        Assert.Equal([0, 0, 0, 30, 0, 4], answer.Slice(answer.Length - 10, 6).ToArray());
    }

    [Theory]
    [InlineData(DnsType.Https)]
    [InlineData(DnsType.Svcb)]
    [InlineData(DnsType.Txt)]
    [InlineData((DnsType)15)]
    public async Task OtherTypesAreNoneSoThatClientsGoOn(DnsType type)
    {
        ReadOnlyMemory<byte> answer = await AskAsync("example.com", type);
        Assert.Equal(DnsRcode.NoError, Wire.Rcode(answer));
        Assert.Equal(0, Wire.Answers(answer));
    }

    [Fact]
    public async Task TheNameOfAFakeAddressIsTold()
    {
        await AskAsync("example.com", DnsType.A);
        foreach (string reverse in new[] { "0.1.18.198.in-addr.arpa", "0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.6.6.7.c.6.5.7.3.4.d.f.ip6.arpa" })
        {
            ReadOnlyMemory<byte> answer = await AskAsync(reverse, DnsType.Ptr);
            Assert.Equal(1, Wire.Answers(answer));
            Assert.Equal(Wire.Name("example.com"), answer[^13..].ToArray());
        }
    }

    [Theory]
    [InlineData("1.1.18.198.in-addr.arpa")]
    [InlineData("8.8.8.8.in-addr.arpa")]
    [InlineData("example.com")]
    public async Task TheNameOfAnyOtherAddressIsNot(string name) => Assert.Equal(DnsRcode.NxDomain, Wire.Rcode(await AskAsync(name, DnsType.Ptr)));

    [Fact]
    public async Task LocalhostIsThisHost()
    {
        Assert.Equal([IPAddress.Loopback], Wire.Addresses(await AskAsync("localhost", DnsType.A)));
        Assert.Equal([IPAddress.IPv6Loopback], Wire.Addresses(await AskAsync("app.LocalHost", DnsType.Aaaa)));
        ReadOnlyMemory<byte> answer = await AskAsync("1.0.0.127.in-addr.arpa", DnsType.Ptr);
        Assert.Equal(Wire.Name("localhost"), answer[^11..].ToArray());
    }

    [Theory]
    [InlineData("x.invalid")]
    [InlineData("printer.local")]
    [InlineData("local")]
    [InlineData("hidden.onion")]
    [InlineData("192.0.2.1")]
    [InlineData("1.2.3.0x4")]
    [InlineData("18.198.in-addr.arpa")]
    [InlineData("resolver.arpa")]
    [InlineData("use-application-dns.net")]
    [InlineData("with space.example")]
    [InlineData("")]
    public async Task NamesThatNoExitCanReachDoNotExist(string name) => Assert.Equal(DnsRcode.NxDomain, Wire.Rcode(await AskAsync(name, DnsType.A)));

    [Theory]
    [InlineData("db")]
    [InlineData("nas.home.arpa")]
    [InlineData("_dmarc.example.com")]
    [InlineData("xn--bcher-kva.example")]
    [InlineData("1and1.example")]
    public async Task NamesThatAnExitMayKnowGetAnAddress(string name)
    {
        IPAddress address = Assert.Single(Wire.Addresses(await AskAsync(name, DnsType.A)));
        Assert.Equal(name, _names.Restore(address, 1).Name);
    }

    [Fact]
    public async Task OnionNamesGoToSocksExitsOnly()
    {
        await using var names = new NameService(NamesPolicy.Auto, new FakeExit { Description = "socks5://127.0.0.1:9050" });
        IPAddress address = Assert.Single(Wire.Addresses(await names.AnswerAsync(Wire.Query("hidden.onion", DnsType.A), false, default)));
        Assert.Equal("hidden.onion", names.Restore(address, 80).Name);
    }

    [Fact]
    public async Task NobodyIsToldThatThereIsAnAddressTranslator()
    {
        Assert.Equal([IPAddress.Parse("192.0.0.170"), IPAddress.Parse("192.0.0.171")], Wire.Addresses(await AskAsync("ipv4only.arpa", DnsType.A)));
        ReadOnlyMemory<byte> answer = await AskAsync("ipv4only.arpa", DnsType.Aaaa);
        Assert.Equal(0, Wire.Answers(answer));
        Assert.Equal(DnsRcode.NoError, Wire.Rcode(answer));
    }

    [Theory]
    [InlineData("198.18.1.77")]
    [InlineData("198.18.0.1")]
    [InlineData("198.18.0.2")]
    [InlineData("::ffff:198.18.1.77")]
    [InlineData("fd43:756c:7665::1")]
    public void AFakeAddressThatNobodyHasLeadsNowhere(string address)
    {
        CulvertException e = Assert.Throws<CulvertException>(() => _names.Restore(IPAddress.Parse(address), 80));
        Assert.Equal(FailureKind.HostUnreachable, e.Kind);
    }

    [Fact]
    public void EveryOtherAddressIsMeantAsItIs()
    {
        Assert.Equal(new Destination(IPAddress.Parse("192.0.2.1"), 80), _names.Restore(IPAddress.Parse("192.0.2.1"), 80));
        Assert.Equal(new Destination(IPAddress.Parse("2001:db8::1"), 80), _names.Restore(IPAddress.Parse("2001:db8::1"), 80));
    }

    [Fact]
    public async Task AFullTableIsAFailureThatPasses()
    {
        var options = new NameServiceOptions { Fakes = new FakeAddressOptions { Capacity = 1 } };
        await using var names = new NameService(NamesPolicy.Virtual, new FakeExit(), options);
        Assert.Equal(DnsRcode.NoError, Wire.Rcode(await names.AnswerAsync(Wire.Query("a.example", DnsType.A), false, default)));
        Assert.Equal(DnsRcode.ServFail, Wire.Rcode(await names.AnswerAsync(Wire.Query("b.example", DnsType.A), false, default)));
    }

    [Fact]
    public async Task OtherClassesAreRefused()
    {
        byte[] query = Wire.Query("version.bind", DnsType.Txt);
        query[^1] = 3;
        Assert.Equal(DnsRcode.Refused, Wire.Rcode(await _names.AnswerAsync(query, false, default)));
    }

    private ValueTask<ReadOnlyMemory<byte>> AskAsync(string name, DnsType type) => _names.AnswerAsync(Wire.Query(name, type), false, default);
}
