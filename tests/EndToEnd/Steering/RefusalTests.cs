using System;
using System.Collections.Generic;
using System.IO;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Steering;

/// <summary>What the helper refuses, with a sentence that says why; and that nothing is changed by it.</summary>
public sealed class RefusalTests(LabFixture fixture) : SteeringTest(fixture)
{
    [LabFact]
    public void NameThatIsTakenIsRefused()
    {
        Network.Client.Ip("link add culvert0 type bridge");
        Command engine = Engine();
        Assert.Contains("interface culvert0 already", Tell(engine, "open culvert0", "Configuration"), StringComparison.Ordinal);
        End(engine);
        Network.Client.Ip("link del culvert0");
        Network.Client.Shell("nft add table inet culvert0").Ok();
        engine = Engine();
        Assert.Contains("firewall table inet culvert0 already", Tell(engine, "open culvert0", "Configuration"), StringComparison.Ordinal);
        End(engine);
        Network.Client.Shell("nft delete table inet culvert0").Ok();
    }

    [LabFact("ping")]
    public void SecondTunnelOfTheSameNameIsRefusedAndTheFirstGoesOn()
    {
        Command first = Up();
        Command second = Engine();
        Assert.Contains("already up", Tell(second, "open culvert0", "Configuration"), StringComparison.Ordinal);
        End(second);
        Assert.True(Answers(Network.BlackHole));
        End(first);
    }

    [LabTheory]
    [InlineData("eth0")]
    [InlineData("culvert-")]
    [InlineData("culvert-longname")]
    [InlineData("culvert-a;b")]
    public void NamesOfOthersAreRefused(string name)
    {
        Command engine = Engine();
        Tell(engine, "open " + name, "Usage");
        End(engine);
    }

    [LabFact("ping")]
    public void StateThatTheKernelRefusesChangesNothing()
    {
        Command engine = Up();
        string rules = Network.Client.Ip("rule");
        string firewall = Network.Client.Shell("nft list ruleset").Output;
        Tell(engine, "set address=127.0.0.1", "Usage");
        Tell(engine, "set user=1 group=1", "Usage");
        Tell(engine, "set captive=7200", "Usage");
        Tell(engine, "set address=255.255.255.254", "Usage");
        Assert.Equal(rules, Network.Client.Ip("rule"));
        Assert.Equal(firewall, Network.Client.Shell("nft list ruleset").Output);
        Assert.True(Answers(Network.BlackHole));
        End(engine);
    }

    [LabFact("ping")]
    public void StateThatFailsHalfWayIsTakenBack()
    {
        // An address that is there already is refused when the guard has been changed.
        Command engine = Up();
        string firewall = Network.Client.Shell("nft list ruleset").Output;
        string rules = Network.Client.Ip("rule");
        Network.Client.Ip("addr add 198.18.7.7/32 dev culvert0");
        Assert.Contains("as it was before", Tell(engine, "set address=198.18.7.7 outside=198.51.100.10/32,6,99", "ChangeFailed"), StringComparison.Ordinal);
        Assert.Equal(firewall, Network.Client.Shell("nft list ruleset").Output);
        Assert.Equal(rules, Network.Client.Ip("rule"));
        Assert.True(Answers(Network.BlackHole));
        End(engine);
    }

    [LabFact]
    public void GarbageEndsTheHelperAndGivesEverythingBack()
    {
        string helper = Path.Combine(AppContext.BaseDirectory, "culvert-helper.dll");
        CommandResult result = Network.Client.Shell($$"""
            /usr/bin/python3 - <<'END'
            import socket, subprocess
            ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            helper = subprocess.Popen(['dotnet', '{{helper}}', 'tunnel', 'journals={{Journals}}'], stdin=its)
            its.close()
            ours.send(bytes([5, 0, 0xDC, 5, 0, 0]) + b'culvert0')
            print(ours.recv(4096)[0])
            print(ours.recv(4096)[0])
            ours.send(b'\x06garbage')
            print(ours.recv(4096)[0])
            print(ours.recv(4096))
            print(helper.wait(10))
            END
            """).Ok();
        Assert.Equal("11\n2\n9\nb''\n3\n", result.Output);
    }

    [LabFact]
    public void MachineWithoutNftablesIsToldToInstallThem()
    {
        string library = LabNetwork.System("find /usr/lib -name libnftables.so.1").Trim();
        string helper = Path.Combine(AppContext.BaseDirectory, "culvert-helper");
        string probe = Path.Combine(AppContext.BaseDirectory, "Culvert.Tests.Probe.dll");
        CommandResult result = Network.Client.Shell(
            $"mount --bind /dev/null {library} && echo open culvert0 | dotnet {probe} engine {Journals} {helper}; umount {library}", Private());
        Assert.Contains("Configuration: ", result.Output, StringComparison.Ordinal);
        Assert.Contains("apt install nftables", result.Output, StringComparison.Ordinal);
    }

    private static CommandOptions Private() => new() { Environment = new Dictionary<string, string?> { ["DOTNET_EnableDiagnostics"] = "0" } };
}
