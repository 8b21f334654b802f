using System;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>Whoever dies, the network is given back: by the helper, by the kernel, or by <c>cleanup</c>.</summary>
public sealed class DeathTests(LabFixture fixture) : UpTest(fixture)
{
    [LabFact("microsocks")]
    public void WhenTheEngineIsKilledTheHelperGivesEverythingBack()
    {
        Own(Servers.Microsocks(Network.Exit));
        RunningTunnel tunnel = Up(Socks);
        LabNetwork.System($"kill -9 {tunnel.Engine}");
        tunnel.Ended();
        Until.True(() => Here("curl -sS --max-time 2 http://v4.lab.example/who").Output == FromTheClient, "the network to be as it was");
        Assert.Equal("Nothing to clean up.\n", Culvert("cleanup").Ok().Output);
    }

    [LabFact("microsocks")]
    public void WhenTheHelperIsKilledNothingGoesAroundAndCleanupUndoesTheRest()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        RunningTunnel tunnel = Up(Socks);
        LabNetwork.System($"kill -9 {tunnel.Helper}");
        tunnel.WaitFor("The helper was killed");
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        Assert.Equal("False", Status("helper"));
        Assert.NotEqual(0, Here($"curl -sS --max-time 2 --interface eth0 http://{Network.Internet.V4}/who").ExitCode);
        Assert.NotEqual(0, Here($"curl -gsS --max-time 2 --interface eth0 http://[{Network.Internet.V6}]/who").ExitCode);
        Assert.Equal(9, Culvert("down").ExitCode);
        Assert.Equal(9, tunnel.Ended().ExitCode);
        Culvert("cleanup").Ok();
        Assert.Equal("Nothing to clean up.\n", Culvert("cleanup").Ok().Output);
    }

    [LabFact("microsocks")]
    public void WhenTheHelperIsToldToEndTheTunnelEndsWithIt()
    {
        Own(Servers.Microsocks(Network.Exit));
        RunningTunnel tunnel = Up(Socks);
        LabNetwork.System($"kill -TERM {tunnel.Helper}");
        CommandResult ended = tunnel.Ended();
        Assert.Equal(8, ended.ExitCode);
        Assert.Contains("the tunnel is over", ended.Error, StringComparison.Ordinal);
        Assert.Equal(FromTheClient, Here(Who).Ok().Output);
        Assert.Equal("Nothing to clean up.\n", Culvert("cleanup").Ok().Output);
    }

    [LabFact("microsocks")]
    public void WhenBothAreKilledTheNextUpUndoesWhatTheyLeft()
    {
        Own(Servers.Microsocks(Network.Exit));
        RunningTunnel tunnel = Up(Socks);
        LabNetwork.System($"kill -9 {tunnel.Engine} {tunnel.Helper}");
        tunnel.Ended();
        Assert.NotEqual("Nothing to clean up.\n", Culvert("cleanup", "--dry-run").Ok().Output);
        Up(Socks);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
    }

    [LabFact("microsocks")]
    public void AKillSwitchOutlivesBothUntilDown()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        RunningTunnel tunnel = Up($"{Socks} --kill-switch --no-lan");
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        LabNetwork.System($"kill -9 {tunnel.Engine} {tunnel.Helper}");
        tunnel.Ended();
        Assert.NotEqual(0, Here($"curl -sS --max-time 2 http://{Network.Internet.V4}/who").ExitCode);
        Assert.NotEqual(0, Here($"curl -gsS --max-time 2 http://[{Network.Internet.V6}]/who").ExitCode);
        Culvert("down").Ok();
    }
}
