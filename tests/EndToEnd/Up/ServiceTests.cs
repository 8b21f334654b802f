using System;
using System.Linq;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>
/// What <c>culvert install</c> writes, done by hand where no systemd runs: its socket with its owner and mode, the helper behind it as the unit starts it, and
/// the start of a machine whose kill switch is there before its network.
/// </summary>
public sealed class ServiceTests : UpTest
{
    private const string Units = "/run/own/installed/etc/systemd/system";
    private const string Socket = "/run/culvert/helper.socket";

    /// <summary>Begins a test: the service's files are there, and mary is of its group.</summary>
    public ServiceTests(LabFixture fixture)
        : base(fixture)
    {
        if (Network is not null)
        {
            Own(new OwnSystem(Network, Network.Client));
            Here($"grep -q ^culvert: /etc/passwd || echo culvert:x:4104:4104::/:/bin/false >> /etc/passwd; sed -i '/^culvert:/d' /etc/group; echo culvert:x:4104:mary >> /etc/group; mkdir -p /run/culvert; printf 'root ALL=(ALL) ALL\\n' > /etc/sudoers").Ok();
            Network.Client.Run([$"{CulvertProgram.Copy(Network)}/culvert", "install", "--root", "/run/own/installed", "--kill-switch", "-q", $"socks5://exit.lab.example:1080"]).Ok();
            Own(Servers.Microsocks(Network.Exit));
        }
    }

    [LabFact("systemd-analyze")]
    public void SystemdUnderstandsTheUnits()
    {
        CommandResult result = Here($"systemd-analyze verify --man=no $(ls {Units}/* | grep -v '@') {Units}/culvert-helper@1.service");
        Assert.Equal("", string.Join('\n', (result.Output + result.Error).Split('\n').Where(static line => line.Contains("culvert", StringComparison.Ordinal))));
        Assert.Equal(4, Here($"ls {Units}").Ok().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [LabFact("systemd-socket-activate", "microsocks", "setpriv", "python3")]
    public void PeopleOfTheGroupMayAskTheServiceAndNobodyElse()
    {
        Only("to the exit, and from the rest of the machine to what is not included", static _ => true);
        Command service = Own(Listen(Of("culvert-helper@.service", "ExecStart")));
        RunningTunnel tunnel = Up($"{Socks} --include 203.0.113.10/32", OwnSystem.Mary);
        RunningTunnel second = Up($"{Socks} --include 203.0.113.12/32 --name two", OwnSystem.Mary);
        Assert.Equal("198.51.100.10\n", Here("curl -sS --max-time 5 http://203.0.113.10/who").Ok().Output);
        Assert.Equal("198.51.100.10\n", Here("curl -sS --max-time 5 http://203.0.113.12/who").Ok().Output);
        Assert.Equal("192.0.2.10\n", Here("curl -sS --max-time 5 http://203.0.113.13/who").Ok().Output);

        CommandResult stranger = Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Eve, "up", Socks, "--name", "three"));
        Assert.Equal(7, stranger.ExitCode);
        Assert.Contains("the group culvert", stranger.Error, StringComparison.Ordinal);
        string knock = $"/usr/bin/python3 -c \"import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect('{Socket}')\"";
        Assert.Contains("PermissionError", Here($"setpriv --reuid={OwnSystem.Eve} --clear-groups {knock}").Error, StringComparison.Ordinal);

        // The socket is no leftover of a tunnel: nobody is asked for a password to clean it up.
        second.Interrupted();
        LabNetwork.System($"kill -9 {tunnel.Engine}");
        tunnel.Ended();
        Until.True(() => Here("ls /run/culvert").Output == "helper.socket\n", "the service's helper to give everything back");
        Assert.Equal("Nothing to clean up.\n", Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Eve, "cleanup")).Ok().Output);
        service.ThrowIfEnded();
    }

    [LabFact("systemd-socket-activate", "microsocks", "setpriv")]
    public void AServiceThatHangsUpIsSaidSo()
    {
        Own(Listen("/bin/false"));
        CommandResult result = Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Mary, "up", Socks));
        Assert.Equal(3, result.ExitCode);
        Assert.Contains("journalctl", result.Error, StringComparison.Ordinal);
    }

    [LabFact("systemd-socket-activate", "microsocks", "setpriv", "ping")]
    public void AMachineWithAKillSwitchStartsClosedAndTheTunnelComesUpInIt()
    {
        const string Rule = "to the exit, and its name to the client's resolver";
        bool IsAllowed(SentPacket packet) => (Network.Exit.V4.Equals(packet.Destination) && packet.Port == 1080) || (Network.Resolver.Equals(packet.Destination) && packet.Port == 53);
        Here(Of("culvert-closed.service", "ExecStart")).Ok();
        Here(Of("culvert-closed.service", "ExecStart")).Ok(); // once more is as good as once
        Assert.NotEqual(0, Here("ping -c1 -W1 203.0.113.10 || curl -sS --max-time 2 http://203.0.113.10/who || curl -gsS --max-time 2 http://[2001:db8:3::10]/who || getent ahosts v4.lab.example").ExitCode);
        Assert.Empty(Fixture.Oracle.Heard());

        Own(Listen(Of("culvert-helper@.service", "ExecStart")));
        string[] line = ["env", .. Of("culvert.service", "Environment").Split(' '), "setpriv", "--reuid=culvert", "--regid=culvert", "--init-groups", .. Of("culvert.service", "ExecStart").Split(' ')];
        RunningTunnel tunnel = Up(line);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        Assert.Contains("is up", Here(Of("culvert-closed.service", "ExecStop")).Ok().Output, StringComparison.Ordinal);

        // Everything dies: closed again, and the exit's name is found all the same.
        LabNetwork.System($"kill -9 {tunnel.Engine} {tunnel.Helper}");
        tunnel.Ended();
        Here(Of("culvert-helper@.service", "ExecStopPost")).Ok();
        Assert.NotEqual(0, Here("ping -c1 -W1 203.0.113.10 || getent ahosts v4.lab.example").ExitCode);
        Fixture.Oracle.Verify(Rule, IsAllowed);
        tunnel = Up(line);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        LabNetwork.System($"kill -9 {tunnel.Engine}");
        tunnel.Ended();
        Until.True(() => Network.Client.Ip("rule").Split('\n').Length <= 4, "the helper to give the rules back");
        Assert.NotEqual(0, Here("ping -c1 -W1 203.0.113.10").ExitCode);
        Fixture.Oracle.Verify(Rule, IsAllowed);
        Only("as without a tunnel, once the kill switch is given up", static _ => true);
        Assert.Contains("Done: remove the firewall table", Here(Of("culvert-closed.service", "ExecStop")).Ok().Output, StringComparison.Ordinal);
    }

    /// <summary>What a unit says.</summary>
    private string Of(string unit, string key) =>
        Here($"sed -n 's/^{key}=//p' {Units}/{unit}").Ok().Output.Trim();

    /// <summary>systemd's own stand-in listens as the socket's unit says, and starts a helper for each who connects.</summary>
    private Command Listen(string helper)
    {
        const string Unit = "culvert-helper.socket";
        Command service = Network.Client.Start(["systemd-socket-activate", "--seqpacket", "--accept", "--inetd", "--listen", Socket, .. helper.Split(' ')], new CommandOptions { TimeOut = TimeSpan.FromHours(1) });
        Until.True(() => Here($"test -S {Socket}").ExitCode == 0, "the service's socket to be there");
        Here($"chown {Of(Unit, "SocketUser")}:{Of(Unit, "SocketGroup")} {Socket} && chmod {Of(Unit, "SocketMode")} {Socket}").Ok();
        return service;
    }
}
