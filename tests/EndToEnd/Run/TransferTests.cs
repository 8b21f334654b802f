using System;
using System.Collections.Generic;
using System.Net;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Run;

/// <summary>A gibibyte each way, byte for byte.</summary>
public sealed class TransferTests(LabFixture fixture) : RunTest(fixture)
{
    private static readonly CommandOptions Long = new() { TimeOut = TimeSpan.FromSeconds(120) };

    [LabTheory("sha256sum")]
    [InlineData(false)]
    [InlineData(true)]
    public void AGibibyteComesDownWhole(bool v6)
    {
        CommandResult result = Through("", $"curl -gsS http://{Url(v6)}/payload | sha256sum", Long);
        Assert.StartsWith(Payload.Digest, result.Ok().Output, StringComparison.Ordinal);
    }

    [LabTheory("nc")]
    [InlineData(false)]
    [InlineData(true)]
    public void AGibibyteGoesUpWhole(bool v6)
    {
        string block = Payload.WriteBlock(Network.Temporary);
        CommandResult result = Through("", $"({Payload.Script(block)}) | nc -N {Address(v6)} 10", Long);
        Assert.Equal($"{Payload.Length} {Payload.Digest}\n", result.Ok().Output);
    }

    [LabTheory("danted", "microsocks", "nc")]
    [InlineData(false)]
    [InlineData(true)]
    public void FiftyMegabytesGoEachWayThroughASocksExit(bool up)
    {
        // Fewer than a gibibyte, since it is the proxies that take the time here.
        const int Length = 50_000_000;
        OnlyTheExit();
        // Dante for the way up, since microsocks drops the answer when a client half-closes.
        Own(up ? Servers.Dante(Network, Network.Exit) : Servers.Microsocks(Network.Exit));
        string exit = $"socks5://{Network.Exit.V4}:1080";
        if (up)
        {
            CommandResult result = Through(exit, $"(echo block 0; cat {Payload.WriteBlock(Network.Temporary)}) | head -c {Length} | nc -N {Network.Internet.V4} 10", Long);
            Assert.Equal($"{Length} {Payload.DigestOf(Length)}\n", result.Ok().Output);
        }
        else
        {
            CommandResult result = Through(exit, $"curl -sS http://web.lab.example/payload 2>&- | head -c {Length} | sha256sum", Long);
            Assert.StartsWith(Payload.DigestOf(Length), result.Ok().Output, StringComparison.Ordinal);
        }
    }

    [LabTheory("nc", "ping", "dig")]
    [InlineData(1)]
    [InlineData(4)]
    public void ManyConnectionsAndDatagramsAreCarriedByHoweverManyQueues(int queues)
    {
        string block = Payload.WriteBlock(Network.Temporary);
        string one = $"head -c 5000000 {block} | nc -N {Network.Internet.V4} 10";
        CommandResult result = Through(
            "",
            $"for i in $(seq 12); do ({one} > {Network.Temporary}/sum.$i) & done; wait; cat {Network.Temporary}/sum.*; " +
            $"for i in $(seq 20); do ping -c 1 -W 5 -q {Network.Internet.V4} > /dev/null || echo no ping; dig +short +tries=1 web.lab.example; done; head -c 5000000 {block} | sha256sum",
            Long with { Environment = new Dictionary<string, string?> { ["CULVERT_QUEUES"] = $"{queues}" } });
        string[] lines = result.Ok().Output.TrimEnd().Split('\n');
        Assert.Equal(12 + 20 + 1, lines.Length);
        Assert.All(lines[..12], line => Assert.Equal($"5000000 {lines[^1].Split(' ')[0]}", line));
        Assert.All(lines[12..^1], line => Assert.Equal(lines[12], line));
        Assert.True(IPAddress.TryParse(lines[12], out _), lines[12]);
    }

    [LabFact("nc")]
    public void ALossyReorderingPathStillDeliversEveryByte()
    {
        Impairer path = Own(new Impairer(Network, Network.Internet, new Impairment { Loss = 0.01, Reorder = 0.01, Duplicate = 0.01, Delay = TimeSpan.FromMilliseconds(2) }));
        Only("from the client's own addresses", packet => Network.Client.V4.Equals(packet.Source));
        CommandResult result = Through("", $"head -c 20000000 {Payload.WriteBlock(Network.Temporary)} | nc -N {path.V4} 10 && head -c 20000000 {Payload.WriteBlock(Network.Temporary)} | sha256sum", Long);
        string[] lines = result.Ok().Output.Split('\n');
        Assert.Equal("20000000 " + lines[1].Split(' ')[0], lines[0]);
    }

    private IPAddress Address(bool v6) => v6 ? Network.Internet.V6 : Network.Internet.V4;

    private string Url(bool v6) => v6 ? $"[{Network.Internet.V6}]" : $"{Network.Internet.V4}";
}
