using System;
using System.Linq;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Run;

/// <summary>Other exits than the direct one: what they carry is carried, what they cannot carry is refused at once, and nothing goes around them.</summary>
public sealed class ExitTests(LabFixture fixture) : RunTest(fixture)
{
    private const string Who = "curl -sS http://v4.lab.example/who";
    private const string FromTheExit = "198.51.100.10\n";

    /// <summary>Python that sends one datagram and prints what came of it: the echo's length or the error's name, and the milliseconds.</summary>
    private const string DatagramScript = """
        /usr/bin/python3 - <<'END'
        import errno, socket, time
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(4)
        s.connect(('203.0.113.10', PORT))
        start = time.monotonic()
        try:
            s.send(b'x' * 1200)
            outcome = len(s.recv(2000))
        except TimeoutError:
            outcome = 'TIMEOUT'
        except OSError as error:
            outcome = errno.errorcode[error.errno]
        print(outcome, int((time.monotonic() - start) * 1000))
        END
        """;

    private string Socks => $"socks5://{Network.Exit.V4}:1080";

    [LabFact("microsocks", "git")]
    public void ProgramsGoThroughMicrosocks()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Own(Servers.Git(Network, Network.Internet));
        CommandResult result = Through(Socks, $"set -e; {Who}; curl -gsS http://[{Network.Internet.V6}]/who; nc v4.lab.example 11; d=$(mktemp -d); git clone -q git://web.lab.example/repository $d/c; git -C $d/c log --oneline | wc -l; rm -rf $d");
        Assert.Equal(FromTheExit + "2001:db8:2::10\n198.51.100.10\n4\n", result.Ok().Output);
    }

    [LabFact("microsocks")]
    public void AUserAndPasswordOpenMicrosocksAndAWrongOneIsToldInOneLine()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit, user: "mary", password: "p@ss word"));
        Assert.Equal(FromTheExit, Through($"socks5://mary:p%40ss%20word@{Network.Exit.V4}:1080", Who).Ok().Output);
        CommandResult wrong = Through($"socks5://mary:secret-guess@{Network.Exit.V4}:1080", "echo ran");
        Assert.Equal(125, wrong.ExitCode);
        Assert.Equal("", wrong.Output);
        Assert.Single(wrong.Error.Trim().Split('\n'));
        Assert.DoesNotContain("secret-guess", wrong.Error, StringComparison.Ordinal);
    }

    [LabFact("danted")]
    public void DanteCarriesTcpAndDatagrams()
    {
        OnlyTheExit(datagrams: true);
        Own(Servers.Dante(Network, Network.Exit));
        Assert.Equal(FromTheExit, Through(Socks, Who).Ok().Output);
        Assert.StartsWith("1200 ", Through(Socks, Datagram(7)).Ok().Output, StringComparison.Ordinal);
    }

    [LabFact("danted", "openssl")]
    public void DanteAsksForAPassword()
    {
        OnlyTheExit(datagrams: true);
        Own(Servers.Dante(Network, Network.Exit, user: "mary", password: "secret"));
        string exit = $"socks5://mary:secret@{Network.Exit.V4}:1080";
        Assert.Equal(FromTheExit, Through(exit, Who).Ok().Output);
        Assert.StartsWith("1200 ", Through(exit, Datagram(7)).Ok().Output, StringComparison.Ordinal);
        Assert.Equal(125, Through(Socks, Who).ExitCode);
    }

    [LabFact]
    public void AnHttpProxyCarriesTcp()
    {
        OnlyTheExit(3128);
        Own(new ConnectProxy(Network.Exit, Fixture.Zone).Start(3128));
        CommandResult result = Through($"http://{Network.Exit.V4}:3128", $"set -e; {Who}; curl -gsS http://[{Network.Internet.V6}]/who; echo hello | nc -N v4.lab.example 10 | cut -c1-8");
        Assert.Equal(FromTheExit + "2001:db8:2::10\n6 5891b5\n", result.Ok().Output);
    }

    [LabFact]
    public void AnHttpProxyAsksForAPassword()
    {
        OnlyTheExit(3128);
        Own(new ConnectProxy(Network.Exit, Fixture.Zone, "mary", "se:cret").Start(3128));
        Assert.Equal(FromTheExit, Through($"http://mary:se%3Acret@{Network.Exit.V4}:3128", Who).Ok().Output);
    }

    [LabFact("python3")]
    public void QuicThroughAnHttpProxyIsRefusedAtOnce()
    {
        OnlyTheExit(3128);
        Own(new ConnectProxy(Network.Exit, Fixture.Zone).Start(3128));
        RefusedAtOnce(Through($"http://{Network.Exit.V4}:3128", Datagram(443)));
    }

    [LabFact("python3", "microsocks")]
    public void QuicThroughASocksProxyWithoutDatagramsIsRefusedAtOnce()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        RefusedAtOnce(Through(Socks, Datagram(443)));
    }

    [LabFact("python3", "ping", "microsocks")]
    public void PingThroughAProxyIsRefusedAndNotSentAround()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        CommandResult result = Through(Socks, "ping -c1 -W2 203.0.113.10");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Matches("[Uu]nreachable|[Pp]rohibited|[Ff]iltered", result.Output);
    }

    [LabFact("python3")]
    public void WithoutIPv6ItIsRefusedAtOnceAndIPv4Works()
    {
        string gateway = Network.Client.Ip("-6 route show default").Split(" dev ")[0].Trim();
        Network.Client.Ip("-6 route del default");
        try
        {
            string[][] attempts = [.. Through(ConnectScript(Network.Internet.V6, 80, times: 3)).Ok().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))];
            Assert.All(attempts, attempt => Assert.Matches("ENETUNREACH|EHOSTUNREACH", attempt[0]));
            Assert.InRange(attempts.Min(attempt => int.Parse(attempt[1], global::System.Globalization.CultureInfo.InvariantCulture)), 0, 200);
            Assert.Equal("192.0.2.10\n", Through("curl -sS --max-time 5 http://web.lab.example/who").Ok().Output);
        }
        finally
        {
            Network.Client.Ip($"-6 route add {gateway} dev eth0");
        }
    }

    [LabFact("microsocks", "python3")]
    public void RefusalsAtTheProxyArePassedOn()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Assert.StartsWith("ECONNREFUSED", Through(Socks, ConnectScript(Network.Internet.V4, 81)).Ok().Output, StringComparison.Ordinal);
        Assert.Matches("^E(HOST|NET)UNREACH", Through(Socks, ConnectScript(Network.Unreachable, 80)).Ok().Output);
    }

    [LabFact]
    public void AnExitThatIsNotThereStopsTheRunBeforeTheCommand()
    {
        OnlyTheExit(1089);
        CommandResult result = Through($"socks5://{Network.Exit.V4}:1089", "echo ran");
        Assert.Equal(125, result.ExitCode);
        Assert.Equal("", result.Output);
        Assert.Single(result.Error.Trim().Split('\n'));
    }

    [LabFact("microsocks")]
    public void AnExitThatGoesAwayMeansRefusalNeverAWayAround()
    {
        OnlyTheExit();
        Command proxy = Servers.Microsocks(Network.Exit);
        Command run = Begin(Socks, ["bash", "-c", $"{Who}; echo ready; read go; curl -sS --max-time 5 http://v4.lab.example/who; echo code $?"], new CommandOptions { OpenInput = true });
        run.WaitFor("ready");
        proxy.Dispose();
        run.Write("go\n");
        run.CloseInput();
        CommandResult result = run.Wait();
        Assert.StartsWith(FromTheExit, result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("code 0", result.Output, StringComparison.Ordinal);
    }

    [LabFact("microsocks")]
    public void ConnectionsToMicrosocksAreKeptReadyAndGoWhenNobodyUsesThem() => SpareOnesComeAndGo(Servers.Microsocks(Network.Exit, user: "mary", password: "secret"), "mary:secret@");

    [LabFact("danted")]
    public void ConnectionsToDanteAreKeptReadyAndGoWhenNobodyUsesThem() => SpareOnesComeAndGo(Servers.Dante(Network, Network.Exit), "");

    [LabFact("microsocks")]
    public void AProxyIsReachedThroughAnother()
    {
        OnlyTheExit(3128);
        Own(new ConnectProxy(Network.Exit, Fixture.Zone).Start(3128));
        Own(Servers.Microsocks(Network.Lan));
        CommandResult result = Through($"socks5://{Network.Lan.V4}:1080 --via http://{Network.Exit.V4}:3128", Who);
        Assert.Equal("192.0.2.20\n", result.Ok().Output);
    }

    private void SpareOnesComeAndGo(Command proxy, string user)
    {
        OnlyTheExit();
        Own(proxy);
        using Command run = Begin(
            $"socks5://{user}{Network.Exit.V4}:1080", ["bash", "-c", $"{Who}; {Who}; echo ready; read go; {Who}; echo again; read go"], new CommandOptions { OpenInput = true });
        run.WaitFor("ready");
        Until.True(() => ConnectionsToTheProxy() > 0, "a connection that is kept ready");
        Until.True(() => ConnectionsToTheProxy() == 0, "its end, when nobody has used it");
        run.Write("go\n");
        run.WaitFor("again");
        Until.True(() => ConnectionsToTheProxy() > 0, "another");
        run.CloseInput();
        Assert.Equal($"{FromTheExit}{FromTheExit}ready\n{FromTheExit}again\n", run.Wait().Output);
        Until.True(() => ConnectionsToTheProxy() == 0, "the end of all", TimeSpan.FromSeconds(2));
    }

    private int ConnectionsToTheProxy() =>
        Network.Exit.Run(["ss", "-Htn", "state", "established", "sport", "=", ":1080"]).Ok().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;

    private static string Datagram(int port) => DatagramScript.Replace("PORT", $"{port}", StringComparison.Ordinal);

    private static void RefusedAtOnce(CommandResult result)
    {
        string[] outcome = result.Ok().Output.Trim().Split(' ');
        Assert.Matches("ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EACCES", outcome[0]);
        Assert.InRange(int.Parse(outcome.Last(), global::System.Globalization.CultureInfo.InvariantCulture), 0, 1000);
    }
}
