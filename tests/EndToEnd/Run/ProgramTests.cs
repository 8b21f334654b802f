using System;
using System.Globalization;
using System.Linq;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Run;

/// <summary>Programs people use, through the direct exit.</summary>
public abstract class ProgramTests(LabFixture fixture, bool plain) : RunTest(fixture, plain)
{
    [LabFact]
    public void CurlFetchesByNameAndAddressOverBothFamilies()
    {
        CommandResult result = Through($"set -e; curl -sS http://v4.lab.example/who; curl -sS http://v6.lab.example/who; curl -sS http://alias.lab.example/; curl -sS -g http://[{Network.Internet.V6}]/who");
        string[] lines = result.Ok().Output.Split('\n');
        Assert.Equal("192.0.2.10", lines[0]);
        Assert.Equal("2001:db8:1::10", lines[1]);
        Assert.Contains("hello from the lab, host alias.lab.example", lines[2], StringComparison.Ordinal);
        Assert.Equal("2001:db8:1::10", lines[3]);
    }

    [LabFact("nginx", "openssl")]
    public void CurlSpeaksHttp2OverTls()
    {
        Own(Servers.Nginx(Network, Network.Internet));
        CommandResult result = Through($"curl -sS --cacert {Servers.Certificate(Network).Certificate} -o /dev/null -w '%{{http_version}} %{{size_download}}' https://web.lab.example:8443/");
        Assert.Equal("2 1024", result.Ok().Output);
    }

    [LabFact("git")]
    public void GitClones()
    {
        Own(Servers.Git(Network, Network.Internet));
        CommandResult result = Through("set -e; d=$(mktemp -d); git clone -q git://web.lab.example/repository $d/clone; git -C $d/clone log --oneline | wc -l; sha256sum < $d/clone/data; rm -rf $d");
        string expected = LabNetwork.System($"sha256sum < {Network.Temporary}/git/repository/data");
        Assert.Equal("4\n" + expected, result.Ok().Output);
    }

    [LabFact("dig")]
    public void DigGetsEveryTypeOverUdpAndTcp()
    {
        CommandResult result = Through("""
            dig +short web.lab.example A; dig +short web.lab.example AAAA; dig +short +tcp web.lab.example A; dig +short lab.example MX
            dig +short lab.example TXT; dig +short alias.lab.example CNAME; dig +short big.lab.example TXT | wc -c; dig nosuch.lab.example | grep -o NXDOMAIN
            """);
        Assert.Equal(
            "203.0.113.10\n2001:db8:3::10\n203.0.113.10\n10 mail.lab.example.\n\"v=lab of culvert\"\nweb.lab.example.\n" + $"{16 * 253}\nNXDOMAIN\n",
            result.Ok().Output);
    }

    [LabFact("dig")]
    public void DnsToAnyAddressIsAnsweredByTheTunnel()
    {
        // 203.0.113.11 has no resolver of its own, and 203.0.113.66 does not exist: the tunnel answers in their place, and asks its own.
        CommandResult result = Through($"dig +short @203.0.113.11 web.lab.example; dig +short +tcp @{Network.BlackHole} web.lab.example; dig +short @{Network.BlackHole6} web.lab.example");
        Assert.Equal("203.0.113.10\n203.0.113.10\n203.0.113.10\n", result.Ok().Output);
    }

    [LabFact("ping")]
    public void PingGoesThrough()
    {
        CommandResult result = Through("ping -c3 -i0.2 -W2 203.0.113.10 && ping -c3 -i0.2 -W2 2001:db8:3::10 && ping -c1 -W2 -s 1400 v4.lab.example && ping -4 -c1 -W2 web.lab.example");
        Assert.Equal(4, result.Ok().Output.Split(" 0% packet loss").Length - 1);
    }

    [LabFact("ping")]
    public void PingToNobodyGetsNoAnswer()
        => Assert.Contains("100% packet loss", Through($"ping -c2 -i0.2 -W1 {Network.BlackHole}").Output, StringComparison.Ordinal);

    [LabTheory("python3")]
    [InlineData("203.0.113.10")]
    [InlineData("2001:db8:3::10")]
    public void DatagramsOfEverySizeAreEchoed(string address)
    {
        CommandResult result = Through($"""
            /usr/bin/python3 - <<'END'
            import os, socket
            s = socket.socket(socket.AF_INET6 if ':' in '{address}' else socket.AF_INET, socket.SOCK_DGRAM)
            s.settimeout(3)
            for size in [1, 2, 3, 511, 512, 1231, 1232, 1233, 1452, 1471, 1472, 1473, 2000, 4095, 4096, 6000, 7999, 8000]:
                data = os.urandom(size)
                s.sendto(data, ('{address}', 7))
                back, source = s.recvfrom(65536)
                assert back == data, (size, len(back))
                assert source[:2] == ('{address}', 7), source
                print(size)
            END
            """);
        Assert.EndsWith("7999\n8000\n", result.Ok().Output, StringComparison.Ordinal);
    }

    [LabTheory("iperf3")]
    [InlineData("")]
    [InlineData("-R")]
    public void IperfRunsFourStreams(string direction)
    {
        Own(Servers.Iperf(Network.Internet));
        CommandResult result = Through($"iperf3 -c {Network.Internet.V4} -P 4 -t 2 -f m {direction}");
        string sum = result.Ok().Output.Split('\n').Last(line => line.Contains("[SUM]", StringComparison.Ordinal) && line.Contains("receiver", StringComparison.Ordinal));
        string[] fields = sum.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(double.Parse(fields[Array.IndexOf(fields, "Mbits/sec") - 1], CultureInfo.InvariantCulture) > 200, sum);
    }

    [LabFact("nginx", "wrk", "openssl")]
    public void WrkKeepsAHundredConnectionsBusy()
    {
        Own(Servers.Nginx(Network, Network.Internet));
        CommandResult result = Through($"wrk -t1 -c100 -d3s --timeout 5s http://{Network.Internet.V4}:8080/");
        string output = result.Ok().Output;
        Assert.DoesNotContain("Socket errors", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Non-2xx", output, StringComparison.Ordinal);
        string rate = output.Split('\n').Single(line => line.StartsWith("Requests/sec:", StringComparison.Ordinal));
        Assert.True(double.Parse(rate.Split(':')[1], CultureInfo.InvariantCulture) > 300, rate);
    }

    [LabTheory("nc")]
    [InlineData("203.0.113.10")]
    [InlineData("2001:db8:3::10")]
    public void AHalfClosingClientGetsItsAnswer(string address)
    {
        // The digest of "hello\n", which the server can only tell when it has seen the end of what the client sends.
        CommandResult result = Through($"echo hello | nc -N {address} 10");
        Assert.Equal("6 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\n", result.Ok().Output);
    }

    [LabTheory("python3")]
    [InlineData("203.0.113.10")]
    [InlineData("2001:db8:3::10")]
    public void ARefusedPortIsRefusedAtOnce(string address)
    {
        string[][] attempts = [.. Through(ConnectScript(address, 81, times: 5)).Ok().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))];
        Assert.All(attempts, attempt => Assert.Equal("ECONNREFUSED", attempt[0]));
        int median = attempts.Select(attempt => int.Parse(attempt[1], CultureInfo.InvariantCulture)).Order().ElementAt(2);
        Assert.InRange(median, 0, 50);
    }

    [LabFact("python3")]
    public void ABlackHoleIsATimeOutAndAnUnreachableHostIsUnreachable()
    {
        Assert.StartsWith("TIMEOUT", Through(ConnectScript(Network.BlackHole, 80, limit: 2)).Ok().Output, StringComparison.Ordinal);
        Assert.StartsWith("EHOSTUNREACH", Through(ConnectScript(Network.Unreachable, 80)).Ok().Output, StringComparison.Ordinal);
    }
}

/// <summary>As root.</summary>
public sealed class ProgramsAsRootTests(LabFixture fixture) : ProgramTests(fixture, plain: false);

/// <summary>As a user without privileges.</summary>
public sealed class ProgramsAsPlainUserTests(LabFixture fixture) : ProgramTests(fixture, plain: true);
