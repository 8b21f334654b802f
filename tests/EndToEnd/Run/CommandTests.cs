using System;
using System.Collections.Generic;
using System.Text;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Run;

/// <summary>The command is its own: codes, signals, input, directory, terminal; and nothing of it stays.</summary>
public abstract class CommandTests(LabFixture fixture, bool plain) : RunTest(fixture, plain)
{
    private const int Hangup = 1;
    private const int Kill = 9;
    private const int Terminate = 15;

    [LabTheory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 7", 7)]
    [InlineData("exit 255", 255)]
    [InlineData("kill -TERM $$", 128 + 15)]
    [InlineData("kill -KILL $$", 128 + 9)]
    [InlineData("kill -SEGV $$", 128 + 11)]
    public void TheExitCodeIsTheCommands(string line, int code) => Assert.Equal(code, Through(line).ExitCode);

    [LabFact]
    public void ACommandThatDoesNotExistIs127AndOneThatCannotRunIs126()
    {
        CommandResult missing = Begin("", ["no-such-command"]).Wait();
        Assert.Equal(127, missing.ExitCode);
        Assert.Contains("no-such-command", missing.Error, StringComparison.Ordinal);
        CommandResult directory = Begin("", ["/etc"]).Wait();
        Assert.Equal(126, directory.ExitCode);
        Assert.Single(directory.Error.Trim().Split('\n'));
    }

    [LabTheory]
    [InlineData("nonsense://x")]
    [InlineData("socks5://")]
    [InlineData("socks5://host:99999")]
    [InlineData("--dns bogus")]
    public void ItsOwnFailuresAre125AndOneLine(string exit)
    {
        CommandResult result = Through(exit, "echo ran");
        Assert.Equal(125, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Single(result.Error.Trim().Split('\n'));
        Assert.StartsWith("culvert: ", result.Error, StringComparison.Ordinal);
    }

    [LabFact]
    public void DirectoryInputEnvironmentAndArgumentsAreTheCallers()
    {
        CommandOptions options = new()
        {
            Directory = "/usr/share",
            Input = Encoding.UTF8.GetBytes("from the pipe\n"),
            Environment = new Dictionary<string, string?> { ["CULVERT_TEST_WORD"] = "kept" },
        };
        CommandResult result = Begin("", ["bash", "-c", "pwd; cat; echo $CULVERT_TEST_WORD; echo \"$1|$2\"; env | grep -c -e ^CULVERT_LAUNCHER -e ^DOTNET_EnableDiagnostics; echo complaint >&2", "x", "a b", "--dns"], options).Wait();
        Assert.Equal("/usr/share\nfrom the pipe\nkept\na b|--dns\n0\n", result.Ok().Output);
        Assert.Equal("complaint\n", result.Error);
    }

    [LabFact]
    public void TheCommandKeepsItsUser()
    {
        CommandResult result = Through("id -u; id -g; grep CapEff /proc/self/status");
        string user = Plain ? "65534\n65534\n" : "0\n0\n";
        Assert.StartsWith(user, result.Ok().Output, StringComparison.Ordinal);
        if (Plain)
        {
            Assert.Contains("CapEff:\t0000000000000000", result.Output, StringComparison.Ordinal);
        }
    }

    [LabFact]
    public void TheCommandSeesOneNetworkAndTheTunnelsResolver()
    {
        CommandResult result = Through("ip -o link | grep -vc ' lo:'; ip -o addr | grep -c '192.0.2'; grep ^nameserver /etc/resolv.conf; ls /sys/class/net 2>/dev/null | grep -c '^eth0$'");
        string[] lines = result.Output.Split('\n');
        Assert.Equal(["1", "0"], lines[..2]);
        Assert.StartsWith("nameserver 198.18.0.1", lines[2], StringComparison.Ordinal);
    }

    [LabTheory]
    [InlineData(Terminate)]
    [InlineData(Hangup)]
    public void ASignalToCulvertReachesTheCommand(int signal)
    {
        Command command = Begin("", ["bash", "-c", $"trap 'echo caught; exit 33' {signal}; echo ready; while :; do sleep 0.05; done"]);
        command.WaitFor("ready");
        command.Signal(signal);
        CommandResult result = command.Wait();
        Assert.Equal(33, result.ExitCode);
        Assert.Contains("caught", result.Output, StringComparison.Ordinal);
    }

    [LabFact]
    public void KillingTheEngineEndsTheCommand()
    {
        Command command = Begin("", ["bash", "-c", "echo ready; exec sleep 1000"]);
        command.WaitFor("ready");
        command.Signal(Kill);
        Assert.Equal(128 + Kill, command.Wait().ExitCode);
    }

    [LabFact]
    public void ACommandThatSurvivesTheEngineHasNoNetwork()
    {
        string line = $"trap '' HUP; echo ready; while read word; do curl -sS --max-time 2 http://{Network.Internet.V4}/who; echo \"$word $?\"; done; echo end";
        Command command = Begin("", ["bash", "-c", line], new CommandOptions { OpenInput = true });
        command.WaitFor("ready");
        command.Write("before\n");
        command.WaitFor("before 0");
        command.Signal(Kill);
        Fixture.Oracle.Reset();
        command.Write("after\n");
        Until.True(() => command.Output.Contains("\nafter ", StringComparison.Ordinal), $"the command to try again: {command.Output} {command.Error}");
        Assert.DoesNotContain("after 0", command.Output, StringComparison.Ordinal);
        // A RST of the dead engine's sockets may still leave; a new connection may not.
        command.CloseInput();
        Until.True(() => command.Output.Contains("end", StringComparison.Ordinal), "the command to end");
    }

    [LabFact("tmux")]
    public void ControlCEndsTheCommandAndTheTerminalIsAsBefore()
    {
        using Terminal terminal = new(Network);
        terminal.Type("before=$(stty -a)");
        terminal.Type(string.Join(' ', Terminal.Quote(Line("run", "--", "sleep", "86401"))) + "; echo code=$?");
        Until.True(() => Network.Client.Shell("pgrep -fx 'sleep 86401'").ExitCode == 0, "the command to run");
        terminal.Key("C-c");
        terminal.WaitFor("code=130");
        terminal.Type("test \"$before\" = \"$(stty -a)\"; echo same-$?");
        terminal.WaitFor("same-0");
    }

    [LabFact("tmux")]
    public void ControlCWhileItStartsEndsIt()
    {
        using Terminal terminal = new(Network);
        terminal.Type(string.Join(' ', Terminal.Quote(Line("run", "--", "sleep", "86403"))));
        Until.True(() => Network.Client.Shell("pgrep -f 'Culvert.Cli.dll run -- sleep 8640[3]'").ExitCode == 0, "the engine to start");
        terminal.Key("C-c");
        terminal.Type("echo again-$((1+1))");
        terminal.WaitFor("again-2");
    }

    [LabFact("tmux")]
    public void AShellInsideHasJobControlAndTheTerminalsSize()
    {
        using Terminal terminal = new(Network);
        terminal.Type(string.Join(' ', Terminal.Quote(Line("run", "--", "bash", "--norc"))));
        terminal.Type("test -t 0 -a -t 1 && echo tty-$((40+2)) $(stty size)");
        terminal.WaitFor("tty-42 40 120");
        terminal.Type("sleep 86402");
        Until.True(() => Network.Client.Shell("pgrep -fx 'sleep 86402'").ExitCode == 0, "the job to run");
        terminal.Key("C-z");
        terminal.WaitFor("Stopped");
        terminal.Type("fg");
        Until.True(() => Network.Client.Shell("ps -o stat= -p $(pgrep -fx 'sleep 86402')").Output.Contains("S+", StringComparison.Ordinal), "the job to go on in the foreground");
        terminal.Key("C-c");
        terminal.Type($"curl -sS http://{Network.Internet.V4}/who; echo inside-$((50+5))");
        terminal.WaitFor("inside-55");
        Assert.Contains("192.0.2.10", terminal.Screen(), StringComparison.Ordinal);
        terminal.Type("exit 9");
        terminal.Type("echo outside-$?");
        terminal.WaitFor("outside-9");
    }

    [LabFact("microsocks")]
    public void RunsSideBySideLeaveByTheirOwnExits()
    {
        Own(Servers.Microsocks(Network.Exit));
        string line = "echo ready; read go; for i in 1 2 3; do curl -sS http://v4.lab.example/who; done";
        CommandOptions open = new() { OpenInput = true };
        Command[] runs =
        [
            Begin("", ["bash", "-c", line], open),
            Begin($"socks5://{Network.Exit.V4}:1080", ["bash", "-c", line], open),
            Begin("", ["bash", "-c", line], open),
        ];
        foreach (Command run in runs)
        {
            run.WaitFor("ready");
        }

        foreach (Command run in runs)
        {
            run.Write("go\n");
            run.CloseInput();
        }

        Assert.Equal("ready\n192.0.2.10\n192.0.2.10\n192.0.2.10\n", runs[0].Wait().Ok().Output);
        Assert.Equal("ready\n198.51.100.10\n198.51.100.10\n198.51.100.10\n", runs[1].Wait().Ok().Output);
        Assert.Equal("ready\n192.0.2.10\n192.0.2.10\n192.0.2.10\n", runs[2].Wait().Ok().Output);
    }
}

/// <summary>As root.</summary>
public sealed class CommandsAsRootTests(LabFixture fixture) : CommandTests(fixture, plain: false)
{
    [LabFact]
    public void ARunInsideARunWorks()
    {
        CommandResult result = Begin("", Line("run", "--", "curl", "-sS", "http://v4.lab.example/who")).Wait();
        Assert.Equal("192.0.2.10\n", result.Ok().Output);
    }
}

/// <summary>As a user without privileges.</summary>
public sealed class CommandsAsPlainUserTests(LabFixture fixture) : CommandTests(fixture, plain: true);
