using System;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>What a machine sends while <c>culvert up</c> is there goes through the exit; afterwards the network is as it was.</summary>
public sealed class CarriedTests(LabFixture fixture) : UpTest(fixture)
{
    [LabFact("microsocks", "dig")]
    public void EverythingLeavesThroughTheSocksExit()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Up(Socks);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        Assert.Equal("2001:db8:2::10\n", Here($"curl -gsS --max-time 10 http://[{Network.Internet.V6}]/who").Ok().Output);
        // Whatever resolver is asked, the tunnel answers.
        Assert.StartsWith("198.1", Here("dig +short +tries=1 @192.0.2.20 v4.lab.example A").Ok().Output, StringComparison.Ordinal);
        Assert.NotEqual(0, Here("ping -c1 -W2 203.0.113.10").ExitCode);
    }

    [LabFact("ping", "dig", "python3")]
    public void TheDirectExitLeavesByTheMachinesOwnInterface()
    {
        Up("");
        Assert.Equal(FromTheClient, Here(Who).Ok().Output);
        Assert.Equal("2001:db8:1::10\n", Here($"curl -gsS --max-time 10 http://[{Network.Internet.V6}]/who").Ok().Output);
        Assert.Equal("203.0.113.10\n", Here("dig +short @203.0.113.11 web.lab.example").Ok().Output);
        Here("ping -c1 -W2 203.0.113.10 && ping -c1 -W2 2001:db8:3::10").Ok();
        Assert.Equal("1200\n", Here(Datagram).Ok().Output);
    }

    [LabFact("danted", "python3")]
    public void DatagramsGoThroughDante()
    {
        OnlyTheExit(datagrams: true);
        Own(Servers.Dante(Network, Network.Exit));
        Up(Socks);
        Assert.Equal("1200\n", Here(Datagram).Ok().Output);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
    }

    [LabFact("microsocks", "dig")]
    public void OneUsersTunnelIsNobodyElses()
    {
        Own(Servers.Microsocks(Network.Exit));
        Up($"{Socks} --user 4242");
        Assert.Equal(FromTheExit, Here($"setpriv --reuid 4242 --regid 4242 --clear-groups {Who}").Ok().Output);
        Assert.StartsWith("198.1", Here($"setpriv --reuid 4242 --regid 4242 --clear-groups dig +short +tries=1 v4.lab.example A").Ok().Output, StringComparison.Ordinal);
        Assert.Equal(FromTheClient, Here(Who).Ok().Output);
        Assert.Equal("203.0.113.10\n", Here("dig +short +tries=1 v4.lab.example A").Ok().Output);
    }

    [LabFact("microsocks")]
    public void CtrlCGivesEverythingBack()
    {
        Own(Servers.Microsocks(Network.Exit));
        RunningTunnel tunnel = Up(Socks);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        Assert.Equal(130, tunnel.Interrupted().ExitCode);
        Assert.Equal(FromTheClient, Here(Who).Ok().Output);
    }

    [LabFact("microsocks")]
    public void DetachedItStaysUntilDown()
    {
        Own(Servers.Microsocks(Network.Exit, user: "mary", password: "secret-word"));
        string exit = $"socks5://mary:secret-word@{Network.Exit.V4}:1080";
        Culvert("up", $"{exit} --detach").Ok();
        try
        {
            Assert.Equal(FromTheExit, Here(Who).Ok().Output);
            Assert.Equal("connected", Status("state"));
            Assert.DoesNotContain("secret-word", Culvert("status", "--json").Output, StringComparison.Ordinal);
            // Nobody on the machine can read it from a command line either.
            Assert.Equal("", LabNetwork.System("grep -la secret-word /proc/[0-9]*/cmdline 2>/dev/null | while read f; do tr '\\0' ' ' < $f | grep -v -e grep -e microsocks -e bash; done; true"));
        }
        finally
        {
            Culvert("down").Ok();
        }

        Assert.Equal(FromTheClient, Here(Who).Ok().Output);
        Assert.Equal(3, Culvert("status").ExitCode);
    }

    [LabFact("microsocks")]
    public void LeaktestFindsNoWayAround()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Up(Socks);
        CommandResult result = Culvert("leaktest");
        Assert.Equal(0, result.Ok().ExitCode);
        Assert.Contains("refused by the leak guard", result.Output, StringComparison.Ordinal);
    }

    private const string Datagram = """
        /usr/bin/python3 - <<'END'
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(4)
        s.sendto(b'x' * 1200, ('203.0.113.10', 7))
        print(len(s.recv(2000)))
        END
        """;
}
