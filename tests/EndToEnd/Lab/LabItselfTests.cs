using System;
using System.Diagnostics;
using System.Net;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Lab;

/// <summary>The lab without the program under test: what it judges others by must itself work, and bite.</summary>
public sealed class LabItselfTests(LabFixture fixture) : LabTest(fixture)
{
    [LabTheory("ping")]
    [InlineData("203.0.113.10")]
    [InlineData("2001:db8:3::10")]
    [InlineData("198.51.100.10")]
    [InlineData("192.0.2.20")]
    public void HostsReachEachOther(string address) => Network.Client.Run(["ping", "-c1", "-W2", address]).Ok();

    [LabFact("dig")]
    public void TheResolverKnowsItsNames()
    {
        Assert.Equal("203.0.113.10\n", Network.Client.Shell("dig +short web.lab.example A").Ok().Output);
        Assert.Equal("2001:db8:3::10\n", Network.Client.Shell("dig +short web.lab.example AAAA").Ok().Output);
        Assert.Equal("web.lab.example.\n203.0.113.10\n", Network.Client.Shell("dig +short alias.lab.example A").Ok().Output);
        Assert.Equal("10 mail.lab.example.\n", Network.Client.Shell("dig +short lab.example MX").Ok().Output);
        Assert.Contains("Truncated, retrying in TCP mode", Network.Client.Shell("dig big.lab.example TXT").Ok().Output, StringComparison.Ordinal);
        Assert.Contains("NXDOMAIN", Network.Client.Shell("dig nosuch.lab.example").Ok().Output, StringComparison.Ordinal);
    }

    [LabFact("nc")]
    public void PeersEchoAndTellDigests()
    {
        Assert.Equal("hello\n", Network.Client.Shell($"echo hello | nc -N {Network.Internet.V4} 7").Ok().Output);
        Assert.Equal($"{Payload.Length} {Payload.Digest}\n", Network.Client.Shell($"({Payload.Script(Payload.WriteBlock(Network.Temporary))}) | nc -N {Network.Internet.V6} 10").Ok().Output);
        Assert.StartsWith(Payload.Digest, Network.Client.Shell($"curl -sS http://{Network.Internet.V4}/payload | sha256sum").Ok().Output, StringComparison.Ordinal);
        Assert.Equal("192.0.2.10\n", Network.Client.Shell("curl -sS http://v4.lab.example/who").Ok().Output);
    }

    [LabFact("nc")]
    public void ABlackHoleSwallowsAndARefusedPortRefuses()
    {
        CommandResult refused = Network.Client.Shell($"nc -v -w 3 {Network.Internet.V4} 81");
        Assert.Contains("refused", refused.Error, StringComparison.Ordinal);
        CommandResult hole = Network.Client.Shell($"nc -v -w 1 {Network.BlackHole} 80");
        Assert.Contains("timed out", hole.Error, StringComparison.Ordinal);
    }

    [LabFact]
    public void TheOracleHearsALeak()
    {
        OnlyTheExit();
        Network.Client.Shell($"curl -sS http://{Network.Internet.V4}/who").Ok();
        LeakException leak = Assert.Throws<LeakException>(() => Fixture.Oracle.VerifyOnlyTo(Network.Exit.V4, 1080));
        Assert.Contains("203.0.113.10 tcp 80", leak.Message, StringComparison.Ordinal);
        Fixture.Oracle.Reset();
    }

    [LabTheory("dig", "ping")]
    [InlineData("dig +tries=1 +timeout=1 @203.0.113.10 web.lab.example", "203.0.113.10 udp 53")]
    [InlineData("dig +tries=1 +timeout=1 @2001:db8:3::10 web.lab.example", "2001:db8:3::10 udp 53")]
    [InlineData("ping -c1 -W1 192.0.2.20", "192.0.2.20 icmp 8")]
    [InlineData("echo | nc -u -w1 203.0.113.66 443", "203.0.113.66 udp 443")]
    public void TheOracleHearsEveryKindOfLeak(string command, string heard)
    {
        Network.Client.Shell(command);
        LeakException leak = Assert.Throws<LeakException>(() => Fixture.Oracle.VerifyOnlyTo(Network.Exit.V4, 1080));
        Assert.Contains(heard, leak.Message, StringComparison.Ordinal);
        Fixture.Oracle.Reset();
    }

    [LabFact]
    public void ASnapshotSeesWhatIsLeftBehind()
    {
        Snapshot before = Snapshot.Take(Network);
        using (Command sleeper = Network.Client.Start(["unshare", "-n", "sleep", "60"]))
        {
            string left = Assert.Throws<InvalidOperationException>(() => before.VerifyRestored(Network, TimeSpan.Zero)).Message;
            Assert.Contains("sleep 60", left, StringComparison.Ordinal);
        }

        Network.Client.Ip("rule add from 192.0.2.99 table 99");
        string changed = Assert.Throws<InvalidOperationException>(() => before.VerifyRestored(Network, TimeSpan.Zero)).Message;
        Assert.Contains("192.0.2.99", changed, StringComparison.Ordinal);
        Network.Client.Ip("rule del from 192.0.2.99 table 99");
        before.VerifyRestored(Network);
    }

    [LabFact("ping")]
    public void TheImpairerDelays()
    {
        Impairer path = Own(new Impairer(Network, Network.Internet, new Impairment { Delay = TimeSpan.FromMilliseconds(40) }));
        foreach (IPAddress address in new[] { path.V4, path.V6 })
        {
            string output = Network.Client.Run(["ping", "-c10", "-i0.05", "-q", $"{address}"]).Ok().Output;
            double shortest = double.Parse(output[(output.IndexOf("= ", StringComparison.Ordinal) + 2)..].Split('/')[0], global::System.Globalization.CultureInfo.InvariantCulture);
            Assert.InRange(shortest, 80, 1000); // never early; how late is the machine's affair
        }
    }

    [LabFact("ping")]
    public void TheImpairerLosesReordersDoublesAndSwallows()
    {
        Impairer path = Own(new Impairer(Network, Network.Internet, new Impairment { Loss = 0.5 }));
        string Ping(string more) => Network.Client.Run(["bash", "-c", $"ping -q -i0.002 -W1 {more} {path.V4}"]).Output;
        Assert.Matches("1?[5-9][0-9]% packet loss|[67][0-9](\\.[0-9]+)?% packet loss", Ping("-c200"));
        path.Impairment = new Impairment { Duplicate = 1 };
        Assert.Contains("duplicates", Ping("-c20"), StringComparison.Ordinal);
        path.Impairment = new Impairment { MtuHole = 1200 };
        Assert.Contains(" 0% packet loss", Ping("-c3 -s1100"), StringComparison.Ordinal);
        Assert.Contains(" 100% packet loss", Ping("-c3 -s1300"), StringComparison.Ordinal);
        path.Impairment = new Impairment { Down = true };
        Assert.Contains(" 100% packet loss", Ping("-c3"), StringComparison.Ordinal);
        path.Impairment = Impairment.None;
        Assert.Contains(" 0% packet loss", Ping("-c3"), StringComparison.Ordinal);
    }

    [LabFact]
    public void TheImpairerLimitsTheRate()
    {
        Impairer path = Own(new Impairer(Network, Network.Internet, new Impairment { Rate = 100_000_000 }));
        Stopwatch clock = Stopwatch.StartNew();
        Network.Client.Shell($"curl -sS http://{path.V4}/payload | head -c 12500000 | wc -c").Ok();

        // Never faster than asked; how much slower is the machine's affair.
        Assert.InRange(12.5 * 8 / clock.Elapsed.TotalSeconds, 1, 110);
    }

    [LabFact]
    public void TheImpairerPassesLargeSegmentsWhole()
    {
        Impairer path = Own(new Impairer(Network, Network.Internet, new Impairment { Delay = TimeSpan.FromMilliseconds(1) }, largeSegments: true));
        CommandResult result = Network.Client.Shell($"curl -sS -o /dev/null -w '%{{size_download}}' http://{path.V4}/payload").Ok();
        Assert.Equal($"{Payload.Length}", result.Output);
    }
}
