using System;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Proxy;

/// <summary>What goes wrong with <c>culvert proxy</c>: one line that says what, why and what next, the right exit code, nothing left behind.</summary>
public sealed class FailureTests(LabFixture fixture) : ProxyTest(fixture)
{
    [LabTheory]
    [InlineData("nonsense://host", 2)]
    [InlineData("socks5://", 2)]
    [InlineData("socks5://host:0", 2)]
    [InlineData("socks5://host:65536", 2)]
    [InlineData("http://host:port", 2)]
    [InlineData("ssh://host", 2)]
    [InlineData("--listen nowhere", 2)]
    [InlineData("--no-such-option", 2)]
    public void WhatMakesNoSenseIsAUsageError(string arguments, int code) => Fails(arguments, code);

    [LabFact]
    public void AListenerForOthersNeedsAPassword()
    {
        CommandResult result = Refused("--listen 0.0.0.0:1080");
        Assert.Contains(result.ExitCode, new[] { 2, 3 });
        Assert.Contains("--auth", result.Error, StringComparison.Ordinal);
        Begin("--listen 192.0.2.10:1080 --auth mary:secret");
        Assert.Equal("192.0.2.10\n", Network.Lan.Shell("curl -sS -x socks5h://mary:secret@192.0.2.10:1080 http://v4.lab.example/who").Ok().Output);
        Only("from the client's own addresses", packet => Network.Client.V4.Equals(packet.Source));
    }

    [LabFact]
    public void APortInUseIsTold()
    {
        Begin("");
        CommandResult result = Fails("", 3);
        Assert.Contains("1080", result.Error, StringComparison.Ordinal);
    }

    [LabFact("microsocks")]
    public void AWrongPasswordAtTheExitIs4()
    {
        OnlyTheExit();
        Own(Servers.Microsocks(Network.Exit, user: "mary", password: "secret"));
        Fails($"socks5://mary:wrong@{Network.Exit.V4}:1080", 4);
        Fails($"socks5://{Network.Exit.V4}:1080", 4);
    }

    [LabFact]
    public void AnExitThatIsNotThereIs6()
    {
        OnlyTheExit(1089);
        Fails($"socks5://{Network.Exit.V4}:1089", 6);
        Fails($"http://{Network.Exit.V4}:1089", 6);
    }

    [LabTheory]
    [InlineData("socks5h", 97)]
    [InlineData("http", 22)]
    public void RefusedDestinationsAreToldToTheClient(string scheme, int code)
    {
        Begin("");
        Assert.Equal(code, Shell($"curl -fsS --max-time 10 -x {scheme}://127.0.0.1:1080 http://203.0.113.10:81/").ExitCode);
        Assert.Equal(code, Shell($"curl -fsS --max-time 10 -x {scheme}://127.0.0.1:1080 http://nosuch.lab.example/").ExitCode);
    }

    [LabFact("nc")]
    public void NonsenseAtTheDoorHarmsNobody()
    {
        Begin("");
        Shell("head -c 100000 /dev/urandom | nc -N -w2 127.0.0.1 1080; printf '\\x05' | nc -N -w2 127.0.0.1 1080; printf 'GET\\r\\n\\r\\n' | nc -N -w2 127.0.0.1 1080; printf '\\x04\\x01' | nc -N -w2 127.0.0.1 1080");
        Assert.Equal("192.0.2.10\n", Shell("curl -sS -x socks5h://127.0.0.1:1080 http://v4.lab.example/who").Ok().Output);
    }

    private CommandResult Fails(string arguments, int code)
    {
        CommandResult result = Refused(arguments);
        Assert.True(code == result.ExitCode, result.ToString());
        Assert.Equal("", result.Output);
        string line = Assert.Single(result.Error.Trim().Split('\n'));
        Assert.StartsWith("culvert: ", line, StringComparison.Ordinal);
        return result;
    }
}
