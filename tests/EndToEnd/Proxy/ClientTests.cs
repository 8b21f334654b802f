using System;
using System.IO;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Proxy;

/// <summary>The programs people point at a proxy.</summary>
public sealed class ClientTests(LabFixture fixture) : ProxyTest(fixture)
{
    private string Socks => $"socks5://{Network.Exit.V4}:1080";

    [LabTheory]
    [InlineData("socks5h://127.0.0.1:1080", "v4.lab.example")]
    [InlineData("socks5://127.0.0.1:1080", "v4.lab.example")]
    [InlineData("http://127.0.0.1:1080", "v4.lab.example")]
    [InlineData("http://127.0.0.1:1080 -p", "v4.lab.example")]
    [InlineData("socks5h://127.0.0.1:1080", "v6.lab.example")]
    [InlineData("http://127.0.0.1:1080", "[2001:db8:3::10]")]
    public void CurlGoesThroughTheDirectExit(string proxy, string host)
    {
        Begin("");
        string expected = host.StartsWith("v4", StringComparison.Ordinal) ? "192.0.2.10\n" : "2001:db8:1::10\n";
        Assert.Equal(expected, Shell($"curl -gsS -x {proxy} http://{host}/who").Ok().Output);
    }

    [LabTheory("microsocks")]
    [InlineData("socks5h://127.0.0.1:1080")]
    [InlineData("http://127.0.0.1:1080")]
    [InlineData("http://127.0.0.1:1080 -p")]
    public void CurlGoesThroughASocksExitAndNamesAreResolvedThere(string proxy)
    {
        // Not one packet to a resolver: the name goes to the exit as a name.
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Begin(Socks);
        Assert.Equal("198.51.100.10\n", Shell($"curl -sS -x {proxy} http://v4.lab.example/who").Ok().Output);
    }

    [LabFact]
    public void CurlGoesThroughAnHttpExit()
    {
        OnlyTheExit(3128);
        Own(new ConnectProxy(Network.Exit, Fixture.Zone, "mary", "secret").Start(3128));
        Begin($"http://mary:secret@{Network.Exit.V4}:3128");
        Assert.Equal("198.51.100.10\n", Shell("curl -sS -x socks5h://127.0.0.1:1080 http://v4.lab.example/who").Ok().Output);
    }

    [LabFact("nginx", "openssl")]
    public void HttpsGoesThroughConnect()
    {
        Own(Servers.Nginx(Network, Network.Internet));
        Begin("");
        Assert.Equal("2 1024", Shell($"curl -sS -x http://127.0.0.1:1080 --cacert {Servers.Certificate(Network).Certificate} -o /dev/null -w '%{{http_version}} %{{size_download}}' https://web.lab.example:8443/").Ok().Output);
    }

    [LabFact]
    public void OneHttpConnectionCarriesManyRequestsAndBodies()
    {
        Begin("");
        string block = Payload.WriteBlock(Network.Temporary);
        CommandResult result = Shell($"head -c 3000000 {block} > body; curl -sS -x http://127.0.0.1:1080 -T body http://v4.lab.example/digest --next -sS -x http://127.0.0.1:1080 http://v4.lab.example/who; sha256sum < body; rm body");
        string[] lines = result.Ok().Output.Split('\n');
        Assert.Equal("3000000 " + lines[2].Split(' ')[0], lines[0]);
        Assert.Equal("192.0.2.10", lines[1]);
    }

    [LabFact("sha256sum")]
    public void AGibibyteComesThrough()
    {
        Begin("");
        Assert.StartsWith(Payload.Digest, Network.Client.Shell("curl -sS -x socks5h://127.0.0.1:1080 http://v4.lab.example/payload | sha256sum", new CommandOptions { TimeOut = TimeSpan.FromSeconds(90) }).Ok().Output, StringComparison.Ordinal);
    }

    [LabTheory]
    [InlineData("socks5h://mary:secret@127.0.0.1:1080", 0)]
    [InlineData("http://mary:secret@127.0.0.1:1080", 0)]
    [InlineData("http://mary:secret@127.0.0.1:1080 -p", 0)]
    [InlineData("socks5h://mary:wrong@127.0.0.1:1080", 97)]
    [InlineData("socks5h://127.0.0.1:1080", 97)]
    [InlineData("http://mary:wrong@127.0.0.1:1080", 22)]
    [InlineData("http://127.0.0.1:1080", 22)]
    [InlineData("http://mary:wrong@127.0.0.1:1080 -p", 22)]
    public void APasswordIsAskedForWhenThereIsOne(string proxy, int code)
    {
        Begin("--auth mary:secret");
        CommandResult result = Shell($"curl -fsS -x {proxy} http://v4.lab.example/who");
        Assert.Equal(code, result.ExitCode);
        Assert.Equal(code == 0 ? "192.0.2.10\n" : "", result.Output);
    }

    [LabFact("proxychains4", "microsocks")]
    public void ProxychainsGoesThrough()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Begin(Socks);
        File.WriteAllText(Path.Combine(Network.Work, "chain.conf"), "strict_chain\nproxy_dns\nquiet_mode\n[ProxyList]\nsocks5 127.0.0.1 1080\n");
        CommandResult result = Shell("proxychains4 -q -f chain.conf curl -sS http://v4.lab.example/who; rm chain.conf");
        Assert.Equal("198.51.100.10\n", result.Ok().Output);
    }

    [LabFact("python3")]
    public void PythonsSocksClientGoesThroughWithTcpAndUdp()
    {
        Begin("");
        CommandResult result = Shell("""
            /usr/bin/python3 - <<'END'
            import socks, socket
            s = socks.socksocket()
            s.set_proxy(socks.SOCKS5, '127.0.0.1', 1080, rdns=True)
            s.connect(('v4.lab.example', 11))
            print(s.recv(100).decode().strip())
            u = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
            u.set_proxy(socks.SOCKS5, '127.0.0.1', 1080)
            u.settimeout(5)
            for size in (1, 1400, 8000):
                u.sendto(b'y' * size, ('203.0.113.10', 7))
                data, source = u.recvfrom(65536)
                print(len(data), source[0], source[1])
            END
            """);
        Assert.Equal("192.0.2.10\n1 203.0.113.10 7\n1400 203.0.113.10 7\n8000 203.0.113.10 7\n", result.Ok().Output);
    }

    [LabFact("python3", "danted")]
    public void DatagramsGoThroughADanteExit()
    {
        OnlyTheExit(datagrams: true);
        Own(Servers.Dante(Network, Network.Exit));
        Begin(Socks);
        CommandResult result = Shell("""
            /usr/bin/python3 - <<'END'
            import socks, socket
            u = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
            u.set_proxy(socks.SOCKS5, '127.0.0.1', 1080)
            u.settimeout(5)
            u.sendto(b'y' * 1200, ('203.0.113.10', 7))
            print(len(u.recvfrom(65536)[0]))
            END
            """);
        Assert.Equal("1200\n", result.Ok().Output);
    }

    [LabTheory("chromium", "microsocks")]
    [InlineData("socks5://127.0.0.1:1080")]
    [InlineData("http://127.0.0.1:1080")]
    public void ChromiumLoadsAPage(string proxy)
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Begin(Socks);
        CommandResult result = Network.Client.Shell(
            $"HOME=$PWD/home; export HOME; mkdir home; chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-breakpad --user-data-dir=$PWD/home/profile --proxy-server={proxy} --dump-dom http://v4.lab.example/page; code=$?; rm -rf home; exit $code",
            new CommandOptions { TimeOut = TimeSpan.FromSeconds(60) });
        Assert.Contains("hello from the lab, host v4.lab.example", result.Output, StringComparison.Ordinal);
    }
}
