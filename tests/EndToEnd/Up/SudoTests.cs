using System;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>A person without privileges brings the tunnel up by sudo: it is asked for the helper alone, and when it says no nothing has happened.</summary>
public sealed class SudoTests : UpTest
{
    private const string Defaults = "Defaults env_reset, use_pty, passwd_tries=2\nDefaults secure_path=\"/usr/sbin:/usr/bin:/sbin:/bin\"\nroot ALL=(ALL:ALL) ALL\n";

    /// <summary>Begins a test: the client has users, and a proxy waits on the exit.</summary>
    public SudoTests(LabFixture fixture)
        : base(fixture)
    {
        if (Network is not null)
        {
            OnlyTheExit();
            Own(new OwnSystem(Network, Network.Client));
            Own(Servers.Microsocks(Network.Exit));
            Here("rm -rf /etc/sudoers.d/*; printf 'auth required pam_unix.so nodelay\\naccount required pam_unix.so\\nsession required pam_permit.so\\n' > /etc/pam.d/sudo").Ok();
        }
    }

    [LabFact("sudo", "microsocks", "setpriv")]
    public void TheHelperAloneIsRootsAndEverythingIsGivenBack()
    {
        Allow("mary ALL=(ALL) NOPASSWD: ALL");
        RunningTunnel tunnel = Up(Socks, OwnSystem.Mary);
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        Assert.Equal("4101 4101 4101 4101", Users(tunnel.Engine));
        Assert.Equal("0 0 0 0", Users(tunnel.Helper));
        Assert.Contains("connected", Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Mary, "status")).Ok().Output, StringComparison.Ordinal);
        Assert.Equal(7, Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Eve, "down")).ExitCode);
        Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Mary, "down")).Ok();
        Assert.Equal(0, tunnel.Ended().ExitCode);
        Assert.Equal("Nothing to clean up.\n", Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Mary, "cleanup")).Ok().Output);
    }

    [LabFact("sudo", "microsocks", "setpriv")]
    public void KilledTogetherTheyAreCleanedUpAfterBySudoToo()
    {
        Allow("mary ALL=(ALL) NOPASSWD: ALL");
        RunningTunnel tunnel = Up($"{Socks} --kill-switch", OwnSystem.Mary);
        LabNetwork.System($"kill -9 {tunnel.Engine} {tunnel.Helper}");
        tunnel.Ended();
        Allow("");
        CommandResult refused = Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Mary, "cleanup"));
        Assert.Equal(7, refused.ExitCode);
        Assert.Contains("administrator", refused.Error, StringComparison.Ordinal);
        Allow("mary ALL=(ALL) NOPASSWD: ALL");
        Assert.Contains("Done: remove the firewall table", Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Mary, "down")).Ok().Output, StringComparison.Ordinal);
    }

    [LabFact("sudo", "microsocks", "tmux", "setpriv")]
    public void APasswordIsAskedAtTheTerminalAndCtrlCEndsTheTunnel()
    {
        Allow("mary ALL=(ALL) ALL");
        using Terminal terminal = new(Network);
        terminal.Type(string.Join(' ', Terminal.Quote(CulvertProgram.LineOf(Network, OwnSystem.Mary, "up", Socks))) + "; echo code=$?; stty -a | grep -o ' -\\?echo '");
        terminal.WaitFor("password for mary:");
        terminal.Type("not-this-word");
        terminal.WaitFor("try again");
        terminal.Type(OwnSystem.Password);
        terminal.WaitFor("is up, through");
        Assert.Equal(FromTheExit, Here(Who).Ok().Output);
        terminal.Key("C-c");
        terminal.WaitFor("code=130");
        terminal.WaitFor(" echo ");
        Assert.DoesNotContain(OwnSystem.Password, terminal.Screen(), StringComparison.Ordinal);
    }

    [LabFact("sudo", "microsocks", "tmux", "setpriv")]
    public void WhoIsRefusedIsToldAndNothingHasChanged()
    {
        Allow("mary ALL=(ALL) ALL");
        Terminal terminal = Own(new Terminal(Network));
        Snapshot before = Snapshot.Take(Network);
        string line = string.Join(' ', Terminal.Quote(CulvertProgram.LineOf(Network, OwnSystem.Mary, "up", Socks)));
        terminal.Type($"{line}; echo wrong=$?");
        terminal.WaitFor("password for mary:");
        terminal.Type("not-this-word");
        terminal.WaitFor("try again");
        terminal.Type("nor-this");
        terminal.WaitFor("wrong=7");
        terminal.WaitFor("not allowed to start");
        terminal.Type($"SUDO_PROMPT='%u, once more:' {line}; echo cancelled=$?");
        terminal.WaitFor("mary, once more:");
        terminal.Key("C-c");
        terminal.WaitFor("cancelled=130");

        CommandResult stranger = Network.Client.Run(CulvertProgram.LineOf(Network, OwnSystem.Eve, "up", Socks));
        Assert.Equal(7, stranger.ExitCode);
        Assert.Contains("culvert run", stranger.Error, StringComparison.Ordinal);
        Here($"mkdir /run/bin && for tool in env sh dotnet readlink dirname find; do ln -s $(command -v $tool) /run/bin/; done").Ok();
        CommandResult without = Network.Client.Run(["setpriv", $"--reuid={OwnSystem.Mary}", "--clear-groups", "env", "PATH=/run/bin", $"{CulvertProgram.Copy(Network)}/culvert", "up", Socks]);
        Assert.Equal(7, without.ExitCode);
        Assert.Contains("neither sudo nor pkexec", without.Error, StringComparison.Ordinal);

        // Where nobody can type a password, but a window can ask for one, it is pkexec's (here one that says no).
        Here("printf '#!/bin/sh\\necho the window says no >&2\\nexit 126\\n' > /run/bin/pkexec && chmod 755 /run/bin/pkexec && ln -s $(command -v sudo) /run/bin/sudo").Ok();
        CommandResult window = Network.Client.Run(["setsid", "--wait", "setpriv", $"--reuid={OwnSystem.Mary}", "--clear-groups", "env", "PATH=/run/bin", "DISPLAY=:0", $"{CulvertProgram.Copy(Network)}/culvert", "up", Socks]);
        Assert.Equal(7, window.ExitCode);
        Assert.Contains("the window says no", window.Error, StringComparison.Ordinal);
        before.VerifyRestored(Network);
    }

    private static string Users(int process) => LabNetwork.System($"grep ^Uid: /proc/{process}/status | cut -f2-").Trim().Replace('\t', ' ');

    private void Allow(string rule) => Here($"cat > /etc/sudoers.new <<'END'\n{Defaults}{rule}\nEND\nchmod 440 /etc/sudoers.new && mv /etc/sudoers.new /etc/sudoers").Ok();
}
