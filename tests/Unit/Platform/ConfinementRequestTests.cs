using System;
using System.Linq;
using System.Net;
using System.Text;
using Culvert.Platform.Channel;
using Culvert.Platform.Linux;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class ConfinementRequestTests
{
    private static readonly ConfinementRequest Sample = new()
    {
        Channel = 203,
        StandardError = -1,
        Engine = 4711,
        Mtu = 1400,
        Offloads = true,
        Queues = 3,
        UserNamespace = true,
        OpenFiles = 1024,
        Addresses = [new LinkAddress(IPAddress.Parse("198.18.0.2"), 32), new LinkAddress(IPAddress.Parse("fd43:756c:7665::2"), 64)],
        Resolvers = [IPAddress.Parse("198.18.0.1"), IPAddress.Parse("fd43:756c:7665::1")],
    };

    [Fact]
    public void HelperReadsWhatTheEngineWrote()
    {
        Assert.True(ConfinementRequest.TryParse([.. Sample.Arguments, "sh", "-c", "--", "x=1"], out ConfinementRequest? read));
        Assert.Equal(Sample.Addresses, read.Addresses);
        Assert.Equal(Sample.Resolvers, read.Resolvers);
        Assert.Equal(["sh", "-c", "--", "x=1"], read.Command);
        Assert.Equal(Sample with { Addresses = read.Addresses, Resolvers = read.Resolvers, Command = read.Command }, read);
    }

    [Fact]
    public void EveryMissingPartIsNoticed()
    {
        string[] whole = [.. Sample.Arguments, "true"];
        foreach (string part in whole.Where(part => !part.StartsWith("address", StringComparison.Ordinal) && !part.StartsWith("resolver", StringComparison.Ordinal)))
        {
            Assert.False(ConfinementRequest.TryParse([.. whole.Where(other => other != part)], out _), part);
        }
    }

    [Theory]
    [InlineData("address=198.18.0.2")]
    [InlineData("address=/3")]
    [InlineData("resolver=somewhere")]
    [InlineData("--help")]
    public void ArgumentsOfSomebodyElseAreRefused(string stranger) =>
        Assert.False(ConfinementRequest.TryParse([ConfinementRequest.Verb, stranger, .. Sample.Arguments.Skip(1), "true"], out _));

    [Fact]
    public void ArgumentsKeepTheBytesTheyWereGivenAs()
    {
        byte[] commandLine = [.. "engine\0run\0--\0ls\0"u8, 0xE9, 0, .. "\0last\0"u8];
        Assert.Equal([[.. "ls"u8], [0xE9], [], [.. "last"u8]], RawArguments.Of(["ls", "\uFFFD", "", "last"], commandLine));
    }

    [Fact]
    public void ArgumentsThatAreNotTheProcessesOwnAreEncoded()
    {
        byte[] commandLine = [.. "engine\0run\0"u8];
        Assert.Equal([Encoding.UTF8.GetBytes("naïve"), [.. "x"u8]], RawArguments.Of(["naïve", "x"], commandLine));
        Assert.Equal([[.. "a"u8], [.. "b"u8], [.. "c"u8]], RawArguments.Of(["a", "b", "c"], commandLine));
    }
}
