using System;
using System.IO;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>What is to stay outside stays outside, what comes in goes on, and what is forwarded is carried.</summary>
public sealed class NeighbourTests(LabFixture fixture) : UpTest(fixture)
{
    [LabTheory("microsocks")]
    [InlineData("", true)]
    [InlineData("--no-lan", false)]
    public void TheNeighbourhoodIsReachedUnlessItMayNotBe(string option, bool reached)
    {
        Own(Servers.Microsocks(Network.Exit));
        Own(Peer.Tcp(Network.Lan, 11, Services.WhoAsync));
        Only("to the exit, and to the neighbour where it may be", packet => Network.Exit.V4.Equals(packet.Destination) || (reached && Network.Lan.V4.Equals(packet.Destination)));
        Up($"{Socks} {option}");
        // Through the exit the neighbour sees the exit.
        Assert.Equal(reached ? "192.0.2.10\n" : "198.51.100.10\n", Here($"nc -w 5 {Network.Lan.V4} 11").Output);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
    }

    [LabFact("microsocks", "python3")]
    public void ASessionFromOutsideIsHeldAcrossUpAndDown()
    {
        Own(Servers.Microsocks(Network.Exit));
        Command server = Own(Network.Client.Start(["/usr/bin/python3", "-c", """
            import socket
            s = socket.create_server(('0.0.0.0', 2222))
            c, _ = s.accept()
            while d := c.recv(100): c.send(d)
            """]));
        Network.Client.WaitForListener(2222, server);
        Command session = Own(Network.Internet.Start(["nc", $"{Network.Client.V4}", "2222"], new CommandOptions { OpenInput = true, TimeOut = TimeSpan.FromMinutes(2) }));
        session.Write("before\n");
        session.WaitFor("before");
        RunningTunnel tunnel = Up(Socks);
        session.Write("during\n");
        session.WaitFor("during");
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        tunnel.Interrupted();
        session.Write("behind\n");
        session.WaitFor("behind");
    }

    [LabFact("microsocks")]
    public void WhatIsForwardedIsCarriedToo()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        string box = Network.Client.Namespace + "-box";
        LabNetwork.System($"ip netns add {box}");
        try
        {
            Network.Client.Ip($"link add box0 type veth peer name eth0 netns {box}");
            Network.Client.Ip("addr add 10.77.0.1/24 dev box0");
            Network.Client.Ip("link set box0 up");
            LabNetwork.System($"ip -n {box} addr add 10.77.0.2/24 dev eth0; ip -n {box} link set eth0 up; ip -n {box} route add default via 10.77.0.1; ip netns exec {Network.Client.Namespace} sysctl -qw net.ipv4.ip_forward=1");
            using (Up(Socks))
            {
                Assert.Equal(FromTheExit, LabNetwork.System($"ip netns exec {box} curl -sS --max-time 10 http://{Network.Internet.V4}/who"));
            }
        }
        finally
        {
            LabNetwork.System($"ip netns exec {Network.Client.Namespace} sysctl -qw net.ipv4.ip_forward=0; ip netns del {box}");
        }
    }

    [LabFact("microsocks")]
    public void ExcludedNetworksAndDomainsGoOutside()
    {
        Own(Servers.Microsocks(Network.Exit));
        Only(
            "to the exit, to what is excluded, and the excluded name's question",
            packet => Network.Exit.V4.Equals(packet.Destination) || packet.Destination?.ToString() is "203.0.113.12" or "203.0.113.10" || (Network.Resolver.Equals(packet.Destination) && packet.Port == 53));
        Up($"{Socks} --exclude 203.0.113.12 --exclude v4.lab.example");
        Assert.Equal(FromTheClient, Here("curl -sS --max-time 5 http://203.0.113.12/who").Ok().Output);
        Assert.Equal(FromTheClient, Here(Who).Ok().Output);
        Assert.Equal("198.51.100.10\n", Here("curl -sS --max-time 5 http://203.0.113.13/who").Ok().Output);
    }

    [LabFact("microsocks")]
    public void OnlyWhatIsIncludedGoesIn()
    {
        Own(Servers.Microsocks(Network.Exit));
        Up($"{Socks} --include 203.0.113.10/32");
        Assert.Equal("198.51.100.10\n", Here($"curl -sS --max-time 5 http://{Network.Internet.V4}/who").Ok().Output);
        Assert.Equal(FromTheClient, Here("curl -sS --max-time 5 http://203.0.113.13/who").Ok().Output);
    }

    [LabFact("microsocks")]
    public void IPv6ThatIsBlockedIsRefusedAtOnce()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Up($"{Socks} --ipv6 block");
        CommandResult result = Here($"time curl -gsS --max-time 5 http://[{Network.Internet.V6}]/who");
        Assert.NotEqual(0, result.ExitCode);
        Assert.InRange(result.Elapsed.TotalSeconds, 0, 2);
    }

    [LabFact("microsocks")]
    public void AProfileNamesExitOptionsAndHooks()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit, user: "mary", password: "secret"));
        string home = Directory.CreateDirectory(Path.Combine(Network.Temporary, "home", "culvert")).FullName;
        string marks = Path.Combine(Network.Temporary, "marks");
        Directory.CreateDirectory(marks);
        LabNetwork.System($"chmod 777 {marks}");
        string file = Path.Combine(home, "config.toml");
        File.WriteAllText(file, $"""
            [exit.home]
            uri = "socks5://mary:secret@{Network.Exit.V4}:1080"
            lan = false
            post-up = ["/bin/sh", "-c", "echo $CULVERT_LINK $1 > {marks}/up", "sh", "a word"]
            pre-down = ["/bin/touch", "{marks}/down"]
            """);
        LabNetwork.System($"chmod 600 {file}");
        RunningTunnel tunnel = Up("home", new global::System.Collections.Generic.Dictionary<string, string?> { ["XDG_CONFIG_HOME"] = Path.Combine(Network.Temporary, "home") });
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        Assert.Equal("culvert0 a word\n", File.ReadAllText(Path.Combine(marks, "up")));
        tunnel.Interrupted();
        Assert.True(File.Exists(Path.Combine(marks, "down")));
        Directory.Delete(marks, recursive: true);
    }
}
