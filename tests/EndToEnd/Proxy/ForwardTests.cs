using System;
using System.IO;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Proxy;

/// <summary><c>-L</c>: local ports and unix sockets that lead through the exit.</summary>
public sealed class ForwardTests(LabFixture fixture) : ProxyTest(fixture)
{
    [LabFact("microsocks")]
    public void APortLeadsToADestinationByName()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit));
        Begin($"socks5://{Network.Exit.V4}:1080 -L 5080:v4.lab.example:80 -L 127.0.0.1:5011:v6.lab.example:11", 5011);
        Assert.Equal("198.51.100.10\n2001:db8:2::10\n", Shell("curl -sS http://127.0.0.1:5080/who; nc 127.0.0.1 5011").Ok().Output);
    }

    [LabFact("nc")]
    public void HalfCloseIsCarriedThrough()
    {
        Begin("--listen none -L 5010:v4.lab.example:10", 5010);
        Assert.StartsWith("6 5891b5b5", Shell("echo hello | nc -N 127.0.0.1 5010").Ok().Output, StringComparison.Ordinal);
    }

    [LabFact("socat")]
    public void AUnixSocketLeadsToADestinationAndIsRemovedAtTheEnd()
    {
        string path = Path.Combine(Network.Work, "forward.sock");
        Begin($"-L {path}:v4.lab.example:11");
        Assert.Equal("192.0.2.10\n", Shell($"socat -t 10 - UNIX-CONNECT:{path}").Ok().Output);
        Assert.Equal("600\n", Shell($"stat -c %a {path}").Ok().Output);
    }

    [LabFact("socat", "nc")]
    public void APortLeadsToAUnixSocket()
    {
        string path = Path.Combine(Network.Work, "server.sock");
        Own(Network.Client.Start(["socat", $"UNIX-LISTEN:{path},mode=666,fork", "SYSTEM:echo from the socket"], new CommandOptions { TimeOut = TimeSpan.FromMinutes(2) }));
        Until.True(() => File.Exists(path), "the server's socket");
        try
        {
            Begin($"-L 5012:{path}", 5012);
            Assert.Equal("from the socket\n", Shell("nc 127.0.0.1 5012 </dev/null").Ok().Output);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [LabTheory]
    [InlineData("-L nonsense")]
    [InlineData("-L 99999:host:80")]
    [InlineData("-L 5080:host:0")]
    [InlineData("-L 5080::80")]
    public void AForwardThatMakesNoSenseIsToldInOneLine(string arguments)
    {
        CommandResult result = Refused(arguments);
        Assert.Equal(2, result.ExitCode);
        Assert.Single(result.Error.Trim().Split('\n'));
    }
}
