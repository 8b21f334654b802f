using System;
using System.Collections.Generic;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Run;

/// <summary>Who resolves names: each policy of <c>--dns</c>, with exits that have and have not what it needs.</summary>
public sealed class NamesTests(LabFixture fixture) : RunTest(fixture)
{
    private const string Lookups = "dig +short web.lab.example A; dig +short +tcp lab.example MX; dig +short lab.example TXT; curl -sS http://v4.lab.example/who";
    private const string Real = "203.0.113.10\n10 mail.lab.example.\n\"v=lab of culvert\"\n";

    private string Socks => $"socks5://{Network.Exit.V4}:1080";

    [LabFact("dig", "microsocks")]
    public void VirtualNamesTravelToTheProxyAsNames()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        CommandResult result = Through($"--dns virtual {Socks}", "dig +short v4.lab.example A; dig +short v4.lab.example AAAA; dig +short lab.example MX; curl -sS http://v4.lab.example/who; dig +short -x $(dig +short v4.lab.example A)");
        string[] lines = result.Ok().Output.Split('\n');
        Assert.StartsWith("198.1", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("fd43:756c:7665:", lines[1], StringComparison.Ordinal);
        Assert.Equal("198.51.100.10", lines[2]);
        Assert.Equal("v4.lab.example.", lines[3]);
    }

    [LabFact("dig")]
    public void VirtualNamesWorkWithTheDirectExit()
    {
        string[] lines = Through("--dns virtual", "dig +short web.lab.example A; curl -sS http://v4.lab.example/who; curl -sS http://v6.lab.example/who; curl -sS --max-time 5 http://half.lab.example/who").Ok().Output.Split('\n');
        Assert.StartsWith("198.1", lines[0], StringComparison.Ordinal);
        Assert.Equal(["192.0.2.10", "2001:db8:1::10", "192.0.2.10"], lines[1..4]);
    }

    [LabFact("dig")]
    public void VirtualNamesThatDoNotExistFailWhenTheyAreUsed()
        => Assert.NotEqual(0, Through("--dns virtual", "curl -sS --max-time 5 http://nosuch.lab.example/").ExitCode);

    [LabFact("dig")]
    public void AutoWithTheDirectExitAsksTheExitsOwnResolver() => Assert.Equal(Real + "192.0.2.10\n", Through("--dns auto", Lookups).Ok().Output);

    [LabFact("dig")]
    public void RemoteAsksTheExitsOwnResolver() => Assert.Equal(Real + "192.0.2.10\n", Through("--dns remote", Lookups).Ok().Output);

    [LabFact("microsocks")]
    public void RemoteWithAnExitWithoutAResolverIsToldAtOnce()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        CommandResult result = Through($"--dns remote {Socks}", "echo ran");
        Assert.Equal(125, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Contains("virtual", result.Error, StringComparison.Ordinal);
    }

    [LabFact("dig")]
    public void AnAddressIsAskedDirectly()
    {
        Only("names only to 203.0.113.10", packet => packet.Port != 53 || Network.Internet.V4.Equals(packet.Destination));
        Assert.Equal(Real + "192.0.2.10\n", Through($"--dns {Network.Internet.V4}", Lookups).Ok().Output);
    }

    [LabFact("dig", "microsocks")]
    public void AnAddressIsAskedByTcpThroughAProxyWithoutDatagrams()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        CommandResult result = Through($"--dns {Network.Internet.V4} {Socks}", Lookups + "; dig +short big.lab.example TXT | wc -c");
        Assert.Equal(Real + $"198.51.100.10\n{16 * 253}\n", result.Ok().Output);
    }

    [LabFact("dig", "danted")]
    public void AnAddressIsAskedThroughAProxyWithDatagrams()
    {
        OnlyTheExit(datagrams: true);
        Own(Servers.Dante(Network, Network.Exit));
        Assert.Equal(Real + "198.51.100.10\n", Through($"--dns {Network.Internet.V4} {Socks}", Lookups).Ok().Output);
    }

    [LabTheory("dig", "nginx", "openssl")]
    [InlineData(false)]
    [InlineData(true)]
    public void DnsOverHttpsGoesThroughTheExit(bool proxied)
    {
        Own(Servers.Nginx(Network, Network.Internet));
        CommandOptions trusting = new() { Environment = new Dictionary<string, string?> { ["SSL_CERT_FILE"] = Servers.Certificate(Network).Certificate } };
        if (proxied)
        {
            OnlyTheExit();
            Own(Servers.Microsocks(Network.Exit));
        }

        string exit = $"--dns https://{(proxied ? "web.lab.example" : Network.Internet.V4)}:8443/dns-query {(proxied ? Socks : "")}";
        Assert.Equal(Real + (proxied ? "198.51.100.10\n" : "192.0.2.10\n"), Through(exit, Lookups, trusting).Ok().Output);
    }

    [LabFact("dig", "nginx", "openssl")]
    public void DnsOverHttpsWithAnUntrustedServerAnswersNothing()
    {
        Own(Servers.Nginx(Network, Network.Internet));
        CommandResult result = Through($"--dns https://{Network.Internet.V4}:8443/dns-query", "dig +tries=1 web.lab.example | grep -o SERVFAIL");
        Assert.Equal("SERVFAIL\n", result.Output);
        Assert.Contains("culvert: ", result.Error, StringComparison.Ordinal);
    }

    [LabFact("microsocks")]
    public void VerboseSaysWhoResolves()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Assert.Contains("virtual", Through($"-v {Socks}", "true").Ok().Error, StringComparison.Ordinal);
    }
}
