using System;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>What <c>culvert up</c> cannot do it says in one line, with its own exit code, and changes nothing.</summary>
public sealed class RefusalTests(LabFixture fixture) : UpTest(fixture)
{
    [LabFact("microsocks")]
    public void ASecondUpSaysThatOneIsUpAlready()
    {
        Own(Servers.Microsocks(Network.Exit));
        Up(Socks);
        CommandResult second = Culvert("up", Socks);
        Assert.Equal(3, second.ExitCode);
        Assert.Contains("already up", second.Error, StringComparison.Ordinal);
        Assert.Contains("culvert status", second.Error, StringComparison.Ordinal);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
    }

    [LabTheory]
    [InlineData("socks5://198.51.100.10:1089", 6, "cannot be reached")]
    [InlineData("no-such-profile", 3, "no such profile")]
    [InlineData("--exclude 10.0.0.0/40", 2, "0 to 32")]
    [InlineData("--ipv6 perhaps", 2, "auto or block")]
    public void OneLineAndTheKindsOwnCode(string arguments, int code, string expected)
    {
        CommandResult result = Culvert("up", arguments);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(expected, Assert.Single(result.Error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [LabFact]
    public void ATakenNameIsNotTakenAway()
    {
        Network.Client.Ip("tuntap add dev culvert0 mode tun");
        try
        {
            CommandResult result = Culvert("up");
            Assert.Equal(3, result.ExitCode);
            Assert.Contains("a network interface culvert0 already", Assert.Single(result.Error.Trim().Split('\n')), StringComparison.Ordinal);
            Assert.Contains("tun", Network.Client.Ip("-d link show culvert0"), StringComparison.Ordinal);
        }
        finally
        {
            Network.Client.Ip("tuntap del dev culvert0 mode tun");
        }
    }

    [LabFact("microsocks")]
    public void WhoMayNotIsToldWhoMay()
    {
        Own(Servers.Microsocks(Network.Exit));
        CommandResult result = Network.Client.Run(CulvertProgram.PlainLine(Network, "up", Socks));
        Assert.Equal(7, result.ExitCode);
        Assert.Contains("administrator's consent", result.Error, StringComparison.Ordinal);
    }

    [LabFact("microsocks")]
    public void AMachineWithoutNftablesIsToldToInstallThem()
    {
        Own(Servers.Microsocks(Network.Exit));
        string library = LabNetwork.System("find /usr/lib -name libnftables.so.1").Trim();
        CommandResult result = Here($"mount --bind /dev/null {library} && {CulvertProgram.Launcher} up {Socks}");
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("apt install nftables", Assert.Single(result.Error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [LabFact]
    public void DownWithoutATunnelIsNoFailure() => Assert.Contains("no tunnel is up", Culvert("down").Ok().Error, StringComparison.Ordinal);
}
