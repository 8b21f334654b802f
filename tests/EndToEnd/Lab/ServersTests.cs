using System;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Lab;

/// <summary>The lab's servers without the program under test, so that a failure of theirs is not taken for one of ours.</summary>
public sealed class ServersTests(LabFixture fixture) : LabTest(fixture)
{
    [LabFact("microsocks")]
    public void MicrosocksServes()
    {
        Own(Servers.Microsocks(Network.Exit, user: "mary", password: "secret"));
        Assert.Equal("198.51.100.10\n", Network.Client.Shell("curl -sS -x socks5h://mary:secret@198.51.100.10:1080 http://v4.lab.example/who").Ok().Output);
        Assert.Equal("2001:db8:2::10\n", Network.Client.Shell("curl -sS -x socks5h://mary:secret@198.51.100.10:1080 http://v6.lab.example/who").Ok().Output);
    }

    [LabFact("danted", "openssl")]
    public void DanteServesWithAndWithoutAPassword()
    {
        using (Servers.Dante(Network, Network.Exit))
        {
            Assert.Equal("198.51.100.10\n", Network.Client.Shell("curl -sS -x socks5h://198.51.100.10:1080 http://v4.lab.example/who").Ok().Output);
        }

        Own(Servers.Dante(Network, Network.Exit, user: "mary", password: "secret"));
        Assert.Equal("198.51.100.10\n", Network.Client.Shell("curl -sS -x socks5h://mary:secret@198.51.100.10:1080 http://v4.lab.example/who").Ok().Output);
        Assert.NotEqual(0, Network.Client.Shell("curl -sS -x socks5h://mary:wrong@198.51.100.10:1080 http://v4.lab.example/who").ExitCode);
    }

    [LabFact]
    public void TheConnectProxyServes()
    {
        Own(new ConnectProxy(Network.Exit, Fixture.Zone, "mary", "secret").Start(3128));
        Assert.Equal("198.51.100.10\n", Network.Client.Shell("curl -sS -p -x http://mary:secret@198.51.100.10:3128 http://v4.lab.example/who").Ok().Output);
        Assert.NotEqual(0, Network.Client.Shell("curl -sS -p -x http://198.51.100.10:3128 http://v4.lab.example/who").ExitCode);
    }

    [LabFact("nginx", "git", "iperf3", "openssl")]
    public void NginxGitAndIperfServe()
    {
        Own(Servers.Nginx(Network, Network.Internet));
        Own(Servers.Git(Network, Network.Internet));
        Own(Servers.Iperf(Network.Internet));
        Assert.Equal("2 1024", Network.Client.Shell($"curl -sS --cacert {Servers.Certificate(Network).Certificate} -o /dev/null -w '%{{http_version}} %{{size_download}}' https://web.lab.example:8443/").Ok().Output);
        Network.Client.Shell("git ls-remote git://v4.lab.example/repository").Ok();
        Network.Client.Shell("iperf3 -c 203.0.113.10 -t 1").Ok();
    }

    [LabFact("chromium")]
    public void ChromiumRunsHere()
    {
        string output = Network.Client.Shell("HOME=$PWD/home; export HOME; mkdir home; chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-breakpad --user-data-dir=$PWD/home/profile --dump-dom http://v4.lab.example/page; rm -rf home").Ok().Output;
        Assert.Contains("hello from the lab", output, StringComparison.Ordinal);
    }
}
