using System;
using System.Diagnostics;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>The exit goes and comes, and so does the network under it; nothing ever goes around.</summary>
public sealed class SupervisionTests(LabFixture fixture) : UpTest(fixture)
{
    [LabFact("microsocks")]
    public void AnExitThatComesBackIsUsedWithinTwoSeconds()
    {
        OnlyTheExit();
        Command proxy = Servers.Microsocks(Network.Exit);
        RunningTunnel tunnel = Up(Socks);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        proxy.Dispose();
        tunnel.WaitFor("While the exit is away");
        Assert.NotEqual(0, Here("curl -sS --max-time 2 http://v4.lab.example/who").ExitCode);
        Own(Servers.Microsocks(Network.Exit));
        Stopwatch clock = Stopwatch.StartNew();
        Assert.Equal(FromTheExit, Here("until curl -sS --max-time 1 http://v4.lab.example/who 2>/dev/null; do :; done").Ok().Output);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 2);
        tunnel.WaitFor("is back");
        Assert.Equal("1", Status("reconnects"));
    }

    [LabFact("microsocks")]
    public void AnExitKnownByNameIsFoundAgainOutsideTheTunnel()
    {
        Only("to the exit, and its name to the client's resolver", packet => (Network.Exit.V4.Equals(packet.Destination) && packet.Port == 1080) || (Network.Resolver.Equals(packet.Destination) && packet.Port == 53));
        Command proxy = Servers.Microsocks(Network.Exit);
        RunningTunnel tunnel = Up("socks5://exit.lab.example:1080");
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        proxy.Dispose();
        tunnel.WaitFor("While the exit is away");
        Own(Servers.Microsocks(Network.Exit));
        Assert.Equal(FromTheExit, Here("until curl -sS --max-time 1 http://v4.lab.example/who 2>/dev/null; do :; done").Ok().Output);
        tunnel.WaitFor("is back");
    }

    [LabFact("microsocks")]
    public void AnExitThatFallsSilentIsNoticedWithinTenSeconds()
    {
        OnlyTheExit();
        Command proxy = Own(Servers.Microsocks(Network.Exit));
        RunningTunnel tunnel = Up(Socks);
        proxy.Signal(19);
        Stopwatch clock = Stopwatch.StartNew();
        Until.True(() => Status("state") != "connected", "the silence to be noticed");
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 11);
        proxy.Signal(18);
        Until.True(() => Status("state") == "connected", "the tunnel to be back", TimeSpan.FromSeconds(40));
    }

    [LabFact("microsocks")]
    public void ACableThatIsPulledAndPutBackIsAPauseAndNoLeak()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Up(Socks);
        string v4 = Network.Client.Ip("route show default").Trim();
        string v6 = Network.Client.Ip("-6 route show default").Split(" metric")[0].Trim();
        Network.Client.Ip("link set eth0 down");
        Assert.NotEqual(0, Here("curl -sS --max-time 2 http://v4.lab.example/who").ExitCode);
        Network.Client.Ip("link set eth0 up");
        Network.Client.Ip($"route replace {v4}");
        Network.Client.Ip($"addr replace {Network.Client.V6}/64 dev eth0 nodad");
        Network.Client.Ip($"-6 route replace {v6}");
        Stopwatch clock = Stopwatch.StartNew();
        Assert.Equal(FromTheExit, Here("until curl -sS --max-time 1 http://v4.lab.example/who 2>/dev/null; do :; done").Ok().Output);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 4);
    }

    [LabFact]
    public void TheDirectExitFollowsTheDefaultRoute()
    {
        // Another way out of the client, over the lan host, which forwards.
        // Its end at the router has the highest address there is: a bridge takes the lowest of its ports' for its own, and a router whose address changes
        // is not heard until the client has asked anew.
        Network.Router.Ip("link add second address fe:ff:ff:ff:ff:fe type veth peer name eth1 netns " + Network.Client.Namespace);
        try
        {
            // Two cards on one segment: each answers for its own address alone, or the router might learn the wrong one's and answers come in by the other card.
            LabNetwork.System($"ip netns exec {Network.Client.Namespace} sysctl -qw net.ipv4.conf.all.arp_ignore=1");
            Network.Router.Ip("link set second master segment up");
            Network.Client.Ip("link set eth1 up");
            Network.Client.Ip("addr add 192.0.2.11/24 dev eth1");
            Only("from either of the client's addresses", packet => packet.Source?.ToString() is "192.0.2.10" or "192.0.2.11" or "2001:db8:1::10");
            Up("");
            Assert.Equal(FromTheClient, Here(Who).Ok().Output);
            Network.Client.Ip("route add default via 192.0.2.1 dev eth1 metric 5");
            Network.Client.Ip("route del default via 192.0.2.1 dev eth0");
            Until.True(() => Here(Who).Output == "192.0.2.11\n", "the other interface to be used");
        }
        finally
        {
            LabNetwork.System($"ip netns exec {Network.Client.Namespace} sysctl -qw net.ipv4.conf.all.arp_ignore=0");
            Network.Client.Ip("route replace default via 192.0.2.1 dev eth0");
            Network.Client.Ip("link del eth1");
        }
    }

    [LabFact("microsocks")]
    public void AnEngineThatIsStoppedLeaksNothingAndGoesOn()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        RunningTunnel tunnel = Up(Socks);
        LabNetwork.System($"kill -STOP {tunnel.Engine}");
        Assert.NotEqual(0, Here("curl -sS --max-time 3 http://v4.lab.example/who").ExitCode);
        LabNetwork.System($"kill -CONT {tunnel.Engine}");
        Assert.Equal(FromTheExit, Here("until curl -sS --max-time 2 http://v4.lab.example/who 2>/dev/null; do :; done").Ok().Output);
    }
}
