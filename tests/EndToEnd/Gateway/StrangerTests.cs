using System;
using System.Collections.Generic;
using System.IO;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Gateway;

/// <summary>Whoever is no device on a gateway's TLS port, with the tools that people and probers have.</summary>
public sealed class StrangerTests(LabFixture fixture) : ServeTest(fixture)
{
    [LabFact("nmap", "nginx")]
    public void NmapSeesAWebServer()
    {
        Own(Servers.Nginx(Network, Network.Exit));
        Serve($"--decoy http://{Network.Exit.V4}:8080");
        string seen = FromOutside($"nmap -n -Pn -sV -p 7443 --script ssl-cert {Network.Exit.V4}").Ok().Output;
        Assert.Contains("7443/tcp open  ssl/http nginx", seen, StringComparison.Ordinal);
        Assert.Contains("commonName=localhost", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("culvert", seen, StringComparison.OrdinalIgnoreCase);
    }

    [LabFact]
    public void ThePlainPageIsACompleteWebServersAnswer()
    {
        Serve();
        string place = $"https://{Network.Exit.V4}:7443";
        string page = FromOutside($"curl -ski --max-time 10 {place}/").Ok().Output;
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", page, StringComparison.Ordinal);
        foreach (string header in new[] { "Content-Length:", "Content-Type: text/html", "Date:", "Server: Kestrel" })
        {
            Assert.Contains(header, page, StringComparison.Ordinal);
        }

        Assert.Contains("It works!", page, StringComparison.Ordinal);
        Assert.Equal("404 405 200", FromOutside($"curl -sk -o /dev/null -w '%{{http_code}} ' {place}/x; curl -sk -o /dev/null -w '%{{http_code}} ' -d x {place}/; curl -skI -o /dev/null -w '%{{http_code}}' {place}/").Ok().Output);
    }

    [LabFact("chromium")]
    public void ABrowserSeesTheSiteOfADirectoryOrAnotherServers()
    {
        string site = Directory.CreateTempSubdirectory("culvert-site-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(site, "index.html"), "<title>Anna</title><p>Recipes of Anna");
            Command serving = Serve($"--decoy {site}");
            Assert.Contains(
                "Recipes of Anna",
                FromOutside($"HOME={Network.Temporary} chromium --headless --no-sandbox --disable-gpu --ignore-certificate-errors --user-data-dir={site}/profile --dump-dom https://{Network.Exit.V4}:7443/ 2>/dev/null").Ok().Output,
                StringComparison.Ordinal);
            Assert.Equal("404", FromOutside($"curl -sk --path-as-is -o /dev/null -w '%{{http_code}}' https://{Network.Exit.V4}:7443/../../../etc/passwd").Ok().Output);
            Assert.DoesNotContain("auth-refused", serving.Error, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(site, recursive: true);
        }
    }

    [LabFact]
    public void StrangersArePassedOnToAnotherServer()
    {
        Serve("--decoy http://203.0.113.10");
        Assert.Equal(FromTheExit, FromOutside($"curl -sk --max-time 10 https://{Network.Exit.V4}:7443/who").Ok().Output);
    }

    [LabFact("openssl", "nc")]
    public void NoKeyIsAskedForAndNothingElseIsAnswered()
    {
        Serve();
        string shaken = FromOutside($"openssl s_client -connect {Network.Exit.V4}:7443 -alpn h2,http/1.1 </dev/null 2>&1").Output;
        Assert.Contains("ALPN protocol: http/1.1", shaken, StringComparison.Ordinal);
        Assert.DoesNotContain("Requested Signature Algorithms", shaken, StringComparison.Ordinal);
        Assert.DoesNotContain("culvert", shaken, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("", FromOutside($"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {Network.Exit.V4} 7443").Output);
        Assert.Equal("", FromOutside($"printf 'SSH-2.0-OpenSSH_9.2\\r\\n' | nc -w 5 {Network.Exit.V4} 7443").Output);
    }

    [LabFact("fail2ban-regex")]
    public void Fail2BanReadsWhoKnocks()
    {
        Command serving = Serve();
        string strange = Path.Combine(Network.CommandTemporary, "stranger");
        Network.Client.Run(CulvertProgram.Line("proxy", $"tls://{GatewayKey}@{Network.Exit.V4}"), new CommandOptions { Environment = new Dictionary<string, string?> { ["XDG_CONFIG_HOME"] = strange } });
        OnDevice("run", "home", "--", "true").Ok();
        serving.WaitFor("close from=192.0.2.10");
        // Who is known may be called anything; only where a line begins does it count.
        string log = serving.Error + "culvert: 2026-11-20T20:00:00Z open from=192.0.2.10 device=\"x auth-refused from=192.0.2.66\"\n";
        string file = Path.Combine(strange, "log");
        try
        {
            File.WriteAllText(file, log);
            Assert.Equal("192.0.2.10\n", LabNetwork.System($"fail2ban-regex --out ip {file} {Tools.Root}/docs/fail2ban/culvert.conf"));
        }
        finally
        {
            Directory.Delete(strange, recursive: true);
        }
    }

    private CommandResult FromOutside(string line) => Network.Lan.Shell(line, new CommandOptions { TimeOut = TimeSpan.FromMinutes(2) });
}
