using System;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>A machine whose names are resolved by systemd-resolved: while the tunnel is up it asks the tunnel and nobody else, and knows nothing of it afterwards.</summary>
public sealed class ResolvedTests : UpTest
{
    private const string Tool = "systemd-resolved";
    private const string Rule = "to the exit, and link-local name resolution of the machine's own name";

    private readonly Resolved _resolved = null!;
    private readonly Snapshot _before = null!;

    /// <summary>Begins a test: the client has systemd-resolved, and a proxy waits on the exit.</summary>
    public ResolvedTests(LabFixture fixture)
        : base(fixture)
    {
        if (Network is null)
        {
            return;
        }

        Own(new OwnSystem(Network, Network.Client));
        _resolved = Own(new Resolved(Network, Network.Client));
        Own(Servers.Microsocks(Network.Exit));
        _before = Snapshot.Take(Network);
        Only("as without a tunnel, before and after it", static _ => true);
    }

    [LabFact(Tool, "dbus-daemon", "microsocks", "dig")]
    public void NamesAreAskedOfTheTunnelAndOfNobodyElse()
    {
        Here("getent ahostsv4 web.lab.example").Ok(); // kept by it, from the network outside
        RunningTunnel tunnel = Up(Socks);
        Fixture.Oracle.Reset();
        Assert.StartsWith("198.1", Here("getent ahostsv4 web.lab.example").Ok().Output, StringComparison.Ordinal);
        Assert.Contains("198.1", Here("resolvectl query -4 web.lab.example").Ok().Output, StringComparison.Ordinal);
        Assert.StartsWith("198.1", Here("dig +short +tries=1 @127.0.0.53 v4.lab.example A").Ok().Output, StringComparison.Ordinal);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        string status = Here("resolvectl status culvert0").Ok().Output;
        Assert.Contains("Current Scopes: DNS\n", status, StringComparison.Ordinal);
        Assert.Contains("+DefaultRoute -LLMNR -mDNS -DNSOverTLS DNSSEC=no", status, StringComparison.Ordinal);
        Assert.Contains("Servers: 198.18.0.1\n", status, StringComparison.Ordinal);
        Assert.Contains("Domain: ~.\n", status, StringComparison.Ordinal);
        Assert.DoesNotContain("resolvectl", tunnel.Said, StringComparison.Ordinal);

        Assert.Contains("nothing gets around", Culvert("leaktest").Ok().Output, StringComparison.Ordinal);
        Assert.Contains($"DNS to the machine's own name server {Network.Resolver}", Culvert("leaktest").Ok().Output, StringComparison.Ordinal);
        Assert.DoesNotContain("names", Culvert("doctor").Output, StringComparison.Ordinal);
        Fixture.Oracle.Verify(Rule, IsAllowed);

        tunnel.Interrupted();
        _before.VerifyRestored(Network);
        Assert.Equal("203.0.113.10\n", Here("getent ahostsv4 web.lab.example | head -1 | cut -d' ' -f1").Ok().Output);
    }

    [LabFact(Tool, "dbus-daemon", "microsocks")]
    public void WhatIsLostIsSetAgainAndNamesOfTheNetworksOwnDomainAreAskedHereToo()
    {
        Here("resolvectl domain eth0 lab.example '~other.example'").Ok();
        RunningTunnel tunnel = Up(Socks);
        Fixture.Oracle.Reset();
        string asked = "~. ~lab.example ~other.example";
        Assert.Equal(asked, Asked());
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);

        int files = LabNetwork.System($"ls /proc/{tunnel.Helper}/fd").Split('\n').Length;
        Here("resolvectl revert culvert0").Ok();
        Until.True(() => Asked() == asked, "the link to be asked again after it was reverted");
        _resolved.Restart(forgetful: false);
        Assert.Equal(asked, Asked());
        _resolved.Restart(forgetful: true);
        Until.True(() => Asked() == "~.", "the link to be asked again after a restart"); // the other link's domains were lost as well
        Until.True(() => Here("resolvectl status culvert0").Output.Contains("-LLMNR -mDNS -DNSOverTLS DNSSEC=no", StringComparison.Ordinal), "the rest to be set again");
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);

        // Another network, with another domain.
        Here("resolvectl domain eth0 hotel.example && resolvectl dns eth0 203.0.113.53").Ok();
        Until.True(() => Asked() == "~. ~hotel.example", "the new domain to be asked of the link as well");
        Assert.InRange(LabNetwork.System($"ls /proc/{tunnel.Helper}/fd").Split('\n').Length, files - 3, files + 3);
        Fixture.Oracle.Verify(Rule, IsAllowed);
        tunnel.Interrupted();
        Assert.Equal("hotel.example", Here("resolvectl domain eth0 | sed 's/.*: //'").Ok().Output.Trim());
    }

    [LabFact(Tool, "dbus-daemon", "microsocks")]
    public void WhoeverDiesItAsksTheNetworkAgain()
    {
        RunningTunnel tunnel = Up(Socks);
        LabNetwork.System($"kill -9 {tunnel.Engine}");
        tunnel.Ended();
        _before.VerifyRestored(Network);

        tunnel = Up(Socks);
        LabNetwork.System($"kill -9 {tunnel.Engine} {tunnel.Helper}");
        tunnel.Ended();
        Assert.Equal("203.0.113.10\n", Here("getent ahostsv4 v4.lab.example | head -1 | cut -d' ' -f1").Ok().Output);
        Culvert("cleanup").Ok();
        _before.VerifyRestored(Network);
    }

    [LabFact(Tool, "dbus-daemon", "microsocks")]
    public void OneOfAnotherNetworkIsToldNothing()
    {
        // Its sockets are seen here, as they are in a network namespace that somebody made by hand; its link of the same number is another one.
        _resolved.Dispose();
        using OwnSystem shared = new(Network, Network.Client, Network.Lan);
        using Resolved lans = new(Network, Network.Lan);
        Network.Lan.Ip("link add other type bridge");
        RunningTunnel tunnel = Up(Socks);
        Assert.DoesNotContain("systemd-resolved", tunnel.Said, StringComparison.Ordinal);
        Assert.DoesNotContain("~.", Network.Lan.Shell("resolvectl domain").Ok().Output, StringComparison.Ordinal);
        tunnel.Interrupted();
        Network.Lan.Ip("link del other");
    }

    [LabFact(Tool, "dbus-daemon", "microsocks")]
    public void OneUsersTunnelGivesNobodyElseFakeAddresses()
    {
        CommandResult refused = Culvert("up", $"{Socks} --user 4242");
        Assert.Equal(3, refused.ExitCode);
        Assert.Contains("answers all users alike", refused.Error, StringComparison.Ordinal);
        _before.VerifyRestored(Network);
        Up($"{Socks} --user 4242 --dns {Network.Resolver}");
        Assert.Equal("203.0.113.10\n", Here("getent ahostsv4 v4.lab.example | head -1 | cut -d' ' -f1").Ok().Output);
        Assert.Equal(FromTheClient, Here(Who).Ok().Output);
        Assert.Equal(FromTheExit, Here($"setpriv --reuid 4242 --regid 4242 --clear-groups {Who}").Ok().Output);
    }

    private string Asked() => Here("resolvectl domain culvert0 | sed 's/.*: //'").Output.Trim();

    private bool IsAllowed(SentPacket packet) =>
        (Network.Exit.V4.Equals(packet.Destination) && packet.Protocol == 6 && packet.Port == 1080) || packet.Port == 5355;
}
