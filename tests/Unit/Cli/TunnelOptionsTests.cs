using System;
using System.CommandLine;
using System.Net;
using Culvert.Cli;
using Culvert.Cli.Commands;
using Culvert.Core;
using Culvert.Tunnel;
using Xunit;

namespace Culvert.Tests.Unit.Cli;

public sealed class TunnelOptionsTests
{
    private static TunnelSettings Read(string line) => TunnelOptions.Read(CommandLine.Root.Parse(line.Split(' ')));

    private static CulvertException Refused(string line) => Assert.Throws<CulvertException>(() => Read(line));

    [Fact]
    public void NothingMeansTheWholeMachineThroughTheDirectExit()
    {
        TunnelSettings settings = Read("up");
        Assert.Equal("direct:", settings.Exit.ToString());
        Assert.Equal("culvert0", settings.Link);
        Assert.True(settings.Lan && settings.IPv6);
        Assert.False(settings.KillSwitch);
        Assert.Empty(settings.Include);
    }

    [Fact]
    public void NetworksAndDomainsAreToldApart()
    {
        TunnelSettings settings = Read("up --exclude 10.1.2.3/8 --exclude bank.example. --exclude 2001:db8::1 --exclude 192.0.2.9 --include 203.0.113.0/24");
        Assert.Equal([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8::1/128"), IPNetwork.Parse("192.0.2.9/32")], settings.Exclude);
        Assert.Equal(["bank.example"], settings.ExcludeDomains);
        Assert.Equal([IPNetwork.Parse("203.0.113.0/24")], settings.Include);
    }

    [Fact]
    public void ANameMakesTheLinksName()
    {
        Assert.Equal("culvert-work", Read("up --name work").Link);
        Assert.Equal(FailureKind.Usage, Refused("up --name ../etc").Kind);
        Assert.Equal(FailureKind.Usage, Refused("up --name toolongname").Kind);
    }

    [Theory]
    [InlineData("up --exclude 10.0.0.0/33", "0 to 32")]
    [InlineData("up --exclude 10.0.0/8", "is no address")]
    [InlineData("up --include example.com", "is no address")]
    [InlineData("up --exclude not_a_name!", "neither a network")]
    [InlineData("up --mtu 100", "1280")]
    [InlineData("up --captive 0", "1 to 60")]
    [InlineData("up --ipv6 maybe", "auto or block")]
    [InlineData("up --user 0 --group 0", "do not go together")]
    [InlineData("up --user nobody-of-that-name", "no such name")]
    [InlineData("up --dns nowhere", "--dns")]
    [InlineData("up socks4://host", "SOCKS version 5")]
    public void WhatMakesNoSenseIsRefusedWithWhatDoes(string line, string expected)
    {
        CulvertException failure = Refused(line);
        Assert.Equal(FailureKind.Usage, failure.Kind);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnknownProfileIsAMatterOfConfiguration() => Assert.Equal(FailureKind.Configuration, Refused("up no-such-profile").Kind);
}
