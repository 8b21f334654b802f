using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Culvert.Tests.EndToEnd.Up;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Gateway;

/// <summary>Two machines, one of which leaves through the other.</summary>
public sealed class ServeTests(LabFixture fixture) : ServeTest(fixture)
{
    [LabFact("dig", "ping", "python3")]
    public void EverythingLeavesThroughTheGatewayNamesPingsAndDatagramsToo()
    {
        Command serving = Serve();
        UpHome();
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        Assert.Equal("2001:db8:2::10\n", Here($"curl -gsS --max-time 10 http://[{Network.Internet.V6}]/who").Ok().Output);
        Assert.Equal("203.0.113.10\n", Here("dig +short @192.0.2.20 web.lab.example A").Ok().Output);
        Here("ping -c1 -W2 203.0.113.10").Ok();
        Assert.Equal("1200\n", Here("""
            /usr/bin/python3 -c "
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(4)
            s.sendto(b'x' * 1200, ('203.0.113.10', 7))
            print(len(s.recv(2000)))"
            """).Ok().Output);
        Assert.Equal("home", Status("exit"));
        Assert.Contains(" open from=192.0.2.10 device=\"laptop\"", serving.Error, StringComparison.Ordinal);
        // Who comes and goes is said; where to, never.
        Assert.DoesNotContain("203.0.113", serving.Error.Replace(LabRules, "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("lab.example", serving.Error, StringComparison.Ordinal);
    }

    [LabFact]
    public void OneCommandAndOneProxyLeaveThroughItToo()
    {
        Serve();
        Assert.Equal(FromTheExit, OnDevice("run", "home", "--", "bash", "-c", Who).Ok().Output);
        Assert.Equal(FromTheExit, OnDevice("run", $"tls://{Network.Exit.V4}", "--", "bash", "-c", Who).Ok().Output);
        Command proxy = Own(Network.Client.Start(CulvertProgram.Line("proxy", "home"), new CommandOptions { Environment = Device }));
        Network.Client.WaitForListener(1080, proxy);
        Assert.Equal(FromTheExit, Here("curl -sS --max-time 10 -x socks5h://127.0.0.1:1080 http://v4.lab.example/who").Ok().Output);
    }

    [LabFact]
    public async Task AtRestNothingIsSent()
    {
        Serve();
        UpHome();
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        long before = -1;
        // What is still to be acknowledged is, within a second, and after five the device asks once whether the gateway is there; from then on there is nothing to say.
        Until.True(
            () =>
            {
                long now = Sent();
                bool isQuiet = now == before;
                before = now;
                Task.Delay(6000).Wait();
                return isQuiet;
            },
            "the session to come to rest");
        before = Sent();
        await Task.Delay(TimeSpan.FromSeconds(30));
        Assert.Equal(before, Sent());
        Assert.Equal("connected", Status("state"));
    }

    [LabFact]
    public void ARevokedDeviceIsCutAtOnceAndNothingGoesAround()
    {
        Command serving = Serve();
        RunningTunnel tunnel = UpHome();
        Assert.Contains("laptop", OnGateway("devices", "list").Ok().Output, StringComparison.Ordinal);
        OnGateway("devices", "rename", "laptop", "Anna's laptop").Ok();
        OnGateway("devices", "revoke", "anna's LAPTOP").Ok();
        serving.WaitFor("close from=192.0.2.10 reason=revoked device=\"laptop\"");
        tunnel.WaitFor("While the exit is away nothing goes around it");
        Assert.NotEqual(0, Here(Who).ExitCode);
        serving.WaitFor("auth-refused from=192.0.2.10 reason=unknown-key");
    }

    [LabFact]
    public void AGatewayThatWasRestartedIsUsedAgain()
    {
        Command serving = Serve();
        RunningTunnel tunnel = UpHome();
        serving.Signal(9);
        tunnel.WaitFor("While the exit is away");
        Serve();
        tunnel.WaitFor("is back");
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
    }

    [LabFact]
    public void WhoeverIsNotTrustedHearsItInExitCodes()
    {
        Serve();
        CommandResult stranger = Network.Client.Run(
            CulvertProgram.Line("up", $"tls://{GatewayKey}@{Network.Exit.V4}"), new CommandOptions { Environment = new Dictionary<string, string?> { ["XDG_CONFIG_HOME"] = Network.CommandTemporary + "/stranger" } });
        Network.Client.Shell($"rm -r {Network.CommandTemporary}/stranger").Ok();
        Assert.Equal(4, stranger.ExitCode);
        Assert.Contains("does not know this device", stranger.Error, StringComparison.Ordinal);
        string other = new([.. GatewayKey.Reverse().Skip(1), 'A']);
        CommandResult wrong = OnDevice("up", $"tls://{other}@{Network.Exit.V4}");
        Assert.Equal(5, wrong.ExitCode);
        Assert.Contains(GatewayKey, wrong.Error, StringComparison.Ordinal);
        CommandResult unknown = OnDevice("up", "hoem");
        Assert.Equal(3, unknown.ExitCode);
        Assert.Contains("culvert pair", unknown.Error, StringComparison.Ordinal);
    }

    [LabFact]
    public void NobodyThereIsAnUnreachableExitAndNothingHasChanged()
    {
        CommandResult result = OnDevice("up", "home");
        Assert.Equal(6, result.ExitCode);
        Assert.Contains("home cannot be reached", result.Error, StringComparison.Ordinal);
    }

    [LabFact]
    public void WhatIsSharedMayBeOneInterface()
    {
        Serve("--require-interface eth0");
        UpHome();
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
    }

    [LabFact]
    public void NothingLeavesWhileTheRequiredInterfaceIsDown()
    {
        Network.Exit.Ip("link add vpn0 type bridge");
        try
        {
            Network.Exit.Ip("link set vpn0 up");
            Command serving = Serve("--require-interface vpn0");
            UpHome();
            Network.Exit.Ip("link set vpn0 down");
            serving.WaitFor("vpn0 is away or down");
            // The exit's own default route would lead there.
            Network.Exit.Shell("curl -sS --max-time 5 http://203.0.113.10/who").Ok();
            Assert.NotEqual(0, Here("curl -sS --max-time 5 http://203.0.113.10/who").ExitCode);
            Assert.NotEqual(0, Here("curl -sS --max-time 5 http://v4.lab.example/who").ExitCode);
        }
        finally
        {
            Network.Exit.Ip("link del vpn0");
        }
    }

    private long Sent() => Fixture.Oracle.Heard().Values.Sum();
}
