using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Culvert.Platform.Interop;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Platform;

/// <summary>What a confined command keeps, sees and leaves behind; as root and as a plain user.</summary>
[Collection(PlatformCollection.Name)]
public sealed class ConfinedCommandTests(ProbeFolder probe) : IDisposable
{
    private readonly string _directory = MakeDirectory();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [LabTheory]
    [InlineData(false, "exit 0", 0)]
    [InlineData(false, "exit 255", 255)]
    [InlineData(false, "kill -KILL $$", 137)]
    [InlineData(true, "exit 7", 7)]
    [InlineData(true, "kill -TERM $$", 143)]
    public void ExitCodeIsTheCommandsOwn(bool plain, string line, int expected) => Assert.Equal((expected, "", ""), ProbeRun.Shell(probe, plain, line));

    [LabTheory]
    [InlineData("culvert-no-such-command", 127, "was not found")]
    [InlineData("/etc/passwd", 126, "cannot be executed")]
    public void CommandThatCannotBeExecutedIsToldApart(string command, int exitCode, string sentence)
    {
        using ProbeRun run = ProbeRun.Start(probe, false, [command]);
        (int code, _, string error) = run.Wait();
        Assert.Equal(exitCode, code);
        Assert.Contains(sentence, error, StringComparison.Ordinal);
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void CommandSeesOnlyTheTunnel(bool plain)
    {
        (int code, string output, string error) = ProbeRun.Shell(
            probe, plain, "set -e; ip -o link | cut -d: -f2; ip route; ip -6 route show default; grep nameserver /etc/resolv.conf; ip -o address show culvert0");
        Assert.Equal((0, ""), (code, error));
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([" lo", " culvert0", "default dev culvert0 scope link ", "default dev culvert0 metric 1024 pref medium", "nameserver 198.18.0.1"], lines[..5]);
        Assert.Contains("198.18.0.2/32", lines[5], StringComparison.Ordinal);
        Assert.Contains("fd43:756c:7665::2/64", lines[6], StringComparison.Ordinal);
        Assert.Equal(7, lines.Length); // and no address that the kernel made up
    }

    [LabTheory("ping")]
    [InlineData(false)]
    [InlineData(true)]
    public void PacketsGoOutAndComeBackInBothFamilies(bool plain)
    {
        (int code, string output, string error) = ProbeRun.Shell(probe, plain, "ping -q -c 1 -W 5 203.0.113.9 && ping -q -c 1 -W 5 2001:db8::9 && ping -q -c 1 -s 1400 -W 5 203.0.113.9");
        Assert.True(code == 0, output + error);
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void EnvironmentArgumentsDirectoryAndLimitsAreKept(bool plain)
    {
        const string report = "env -0 | sort -z | tr '\\0' '\\n' | grep -v -e ^_= -e ^SHLVL= ; pwd; ulimit -n; for a in \"$@\"; do printf '<%s>' \"$a\"; done; umask; yes 2>/dev/null | head -n 1; echo ${PIPESTATUS[0]}; grep -e SigBlk -e SigCgt /proc/self/status";
        string[] command = ["bash", "-c", report, "x", "a b", "", "ü", "-z", "--", "$(x)"];
        Dictionary<string, string> environment = new() { ["DOTNET_EnableDiagnostics"] = "1", ["ODD"] = " =\n'" };

        // The same command without us, from the same shell with the same soft limit.
        const string limited = "ulimit -S -n 777; umask 027; exec env --default-signal=PIPE ";
        string plainly = plain ? "setpriv --reuid=65534 --regid=65534 --clear-groups -- " : "";
        using ProbeRun direct = ProbeRun.Start(probe, plain, command, limited + plainly + "sh -c 'shift 2; \"$@\"; exit' \"$@\"", environment, "/usr");
        string device = plain ? "mount -t tmpfs -o mode=755 device /dev/net && mknod -m 666 /dev/net/tun c 10 200; " : "";
        using ProbeRun confined = ProbeRun.Start(probe, plain, command, device + limited + plainly + "sh -c '\"$@\"; exit' sh \"$@\"", environment, "/usr");
        (int code, string expected, _) = direct.Wait();
        Assert.Equal(0, code);
        Assert.Contains("<a b><><ü><-z><--><$(x)>", expected, StringComparison.Ordinal);
        Assert.Contains("\n777\n", expected, StringComparison.Ordinal);
        Assert.Contains("\n141\n", expected, StringComparison.Ordinal); // SIGPIPE kills, as it should
        Assert.Equal(expected, confined.Wait().Output);
    }

    [LabFact]
    public void BytesThatAreNoTextReachTheCommand()
    {
        // The probe's own arguments, made by printf: E9 alone is not UTF-8.
        (int code, string output, _) = ProbeRun.Shell(probe, false, "true", "exec \"$1\" \"$2\" \"$3\" sh -c 'printf %s \"$1\" | od -An -tx1' x \"$(printf 'caf\\351')\"");
        Assert.Equal((0, " 63 61 66 e9\n"), (code, output));
    }

    [LabFact]
    public void DescriptorsOfTheCallerAreKeptAndNoneOfOursIsAdded()
    {
        string file = Path.Combine(_directory, "nine");
        (int code, string output, string error) = ProbeRun.Shell(
            probe, false, "echo via nine >&9; echo /proc/self/fd/*", $"exec 9>{file}; echo /proc/self/fd/*; exec \"$@\"");
        Assert.Equal((0, ""), (code, error));
        string[] lines = output.Split('\n');
        Assert.Equal(lines[0], lines[1]);
        Assert.Equal("via nine\n", File.ReadAllText(file));
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void StandardStreamsAreTheCommands(bool plain)
    {
        using ProbeRun run = ProbeRun.Start(probe, plain, ["sh", "-c", "cat; echo oops >&2"]);
        run.Input.Write("through\n");
        Assert.Equal((0, "through\n", "oops\n"), run.Wait());
    }

    [LabFact]
    public void PlainUserGetsNoPowers()
    {
        (int code, string output, _) = ProbeRun.Shell(probe, true, "id -u; id -g; grep -e CapInh -e CapPrm -e CapEff -e CapAmb -e NoNewPrivs /proc/self/status; ip link set culvert0 down 2>/dev/null && echo POWER");
        Assert.NotEqual(0, code);
        Assert.Equal(
            "65534\n65534\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\n", output);
    }

    [LabFact]
    public void RootOfAUserNamespaceGetsNoPowers()
    {
        (int code, string output, string error) = ProbeRun.Shell(
            probe,
            false,
            "id -u; grep -e CapPrm -e CapEff -e CapBnd /proc/self/status; ip link set culvert0 down 2>/dev/null && echo POWER; true",
            "exec setpriv --bounding-set -sys_admin -- \"$@\"");
        Assert.Equal((0, "0\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n", ""), (code, output, error));
    }

    [LabFact("setcap")]
    public void FileWithCapabilitiesRunsWithoutThem()
    {
        const string before = """
            mount -t tmpfs bin /mnt && cp "$(command -v grep)" /mnt/grep && setcap cap_net_admin,cap_net_raw+ep /mnt/grep || exit 1
            mount -t tmpfs -o mode=755 d /dev/net && mknod -m 666 /dev/net/tun c 10 200; exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
            """;
        Assert.Equal((0, "CapPrm:\t0000000000000000\n", ""), ProbeRun.Shell(probe, false, "/mnt/grep CapPrm /proc/self/status", before));
    }

    [LabTheory("socat")]
    [InlineData(false, "Connection refused")]
    [InlineData(true, "Permission denied")]
    public void SystemBusOfTheHostIsOutOfReach(bool plain, string why)
    {
        // The bus answers outside, seen first; whatever else is in its directory stays.
        string device = plain ? "mount -t tmpfs -o mode=755 d /dev/net; mknod -m 666 /dev/net/tun c 10 200" : "true";
        string start = plain ? "setpriv --reuid=65534 --regid=65534 --clear-groups -- \"$@\"" : "\"$@\"";
        string before = $$"""
            mount -t tmpfs run /run; mkdir /run/dbus; echo kept > /run/dbus/other; {{device}}
            socat UNIX-LISTEN:/run/dbus/system_bus_socket,fork,mode=777 'SYSTEM:echo bus' > /dev/null 2>&1 & bus=$!
            until socat -u UNIX-CONNECT:/run/dbus/system_bus_socket - 2> /dev/null; do :; done
            {{start}}; code=$?; kill $bus; exit $code
            """;
        (int code, string output, string error) = ProbeRun.Shell(
            probe, false, "cat /run/dbus/other; grep nameserver /etc/resolv.conf; socat -u UNIX-CONNECT:/run/dbus/system_bus_socket -", before);
        Assert.Equal((1, "bus\nkept\nnameserver 198.18.0.1\n"), (code, output));
        Assert.Contains(why, error, StringComparison.Ordinal);
    }

    [LabTheory]
    [InlineData(Libc.SIGHUP, "HUP")]
    [InlineData(2, "INT")]
    [InlineData(3, "QUIT")]
    [InlineData(10, "USR1")]
    [InlineData(12, "USR2")]
    [InlineData(15, "TERM")]
    public void SignalsToTheEngineReachTheCommand(int signal, string name)
    {
        string ready = Path.Combine(_directory, "ready");
        using ProbeRun run = ProbeRun.Start(probe, false, ["bash", "-c", $"trap 'echo got {name}; exit 42' {name}; echo 1 > {ready}; while :; do read -t 0.05 < /dev/zero; sleep 0.02; done"]);
        ProbeRun.Appears(ready);
        run.Signal(signal);
        Assert.Equal((42, $"got {name}\n", ""), run.Wait());
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void KilledEngineTellsTheCommandAndLeavesNothing(bool plain)
    {
        string ready = Path.Combine(_directory, "ready");
        using ProbeRun run = ProbeRun.Start(probe, plain, ["sh", "-c", $"echo $$ > {ready}; exec sleep 1000"], environment: new Dictionary<string, string> { ["TMPDIR"] = _directory });
        int command = int.Parse(ProbeRun.Appears(ready), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal([command], run.Children);
        run.Signal(Libc.SIGKILL);
        Until.True(() => ProbeRun.HasEnded(command), "the end of the command");
    }

    [LabFact]
    public void CommandThatOutlivesTheEngineHasNoNetworkAnyMore()
    {
        string ready = Path.Combine(_directory, "ready");
        string links = Path.Combine(_directory, "links");
        using ProbeRun run = ProbeRun.Start(
            probe,
            false,
            ["sh", "-c", $"trap '' HUP; echo $$ > {ready}; while ip -o link show culvert0 >/dev/null 2>&1; do :; done; ip -o link | cut -d: -f2 | tr '\\n' ' ' > {links}; ip route >> {links}; echo end >> {links}"]);
        ProbeRun.Appears(ready);
        run.Signal(Libc.SIGKILL);
        Assert.Equal(" lo end", ProbeRun.Appears(links));
    }

    [LabFact]
    public void EngineKilledWhileTheHelperStartsLeavesNoProcess()
    {
        for (int attempt = 0; attempt < 5; attempt++)
        {
            using ProbeRun run = ProbeRun.Start(probe, false, ["sleep", "1000"]);
            int[] children = [];
            Until.True(() => (children = [.. run.Children]).Length > 0, "the helper");
            for (int spin = 0; spin < attempt * 20_000; spin++)
            {
                _ = run.Id; // a different moment of the helper's life each time
            }

            run.Signal(Libc.SIGKILL);
            Until.True(() => ProbeRun.HasEnded(children[0]), "the end of the helper");
        }
    }

    [LabTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void NothingStaysBehindInFiles(bool plain)
    {
        using ProbeRun run = ProbeRun.Start(probe, plain, ["true"], environment: new Dictionary<string, string> { ["TMPDIR"] = _directory });
        Assert.Equal(0, run.Wait().ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(_directory));
    }

    [LabFact]
    public void SeveralCommandsEachHaveANetworkOfTheirOwn()
    {
        string[] outputs = [.. Enumerable.Range(0, 4)
            .Select(_ => ProbeRun.Start(probe, false, ["sh", "-c", "readlink /proc/self/ns/net; read line; ip -o link | wc -l"]))
            .ToArray() // all of them run before the first is told to go on
            .Select(run =>
            {
                using (run)
                {
                    run.Input.Write("go\n");
                    return run.Wait().Output;
                }
            })];
        Assert.Equal(4, outputs.Select(output => output.Split('\n')[0]).Distinct().Count());
        Assert.All(outputs, output => Assert.EndsWith("\n2\n", output, StringComparison.Ordinal));
    }

    private static string MakeDirectory()
    {
        string directory = Directory.CreateTempSubdirectory("culvert-platform-").FullName;
#pragma warning disable CA1416 // these tests are Linux's
        File.SetUnixFileMode(directory, (UnixFileMode)0x1FF);
#pragma warning restore CA1416
        return directory;
    }
}
