using System.IO;
using System.Threading.Tasks;
using Culvert.Cli;
using Xunit;

namespace Culvert.Tests.Unit.Cli;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData(new[] { "run", "curl" }, 125)] // no --
    [InlineData(new[] { "run", "--" }, 125)]
    [InlineData(new[] { "run", "foo://x", "--", "true" }, 125)]
    [InlineData(new[] { "run", "--mtu", "100", "--", "true" }, 125)]
    [InlineData(new[] { "run", "--via", "socks5://127.0.0.1:1", "--", "true" }, 125)] // a way to direct: would be no way
    [InlineData(new[] { "frobnicate" }, 2)]
    [InlineData(new[] { "proxy", "--", "x" }, 2)]
    [InlineData(new[] { "proxy", "--listen", "nowhere" }, 2)]
    [InlineData(new[] { "proxy", "--listen", "none" }, 2)]
    [InlineData(new[] { "proxy", "--via", "socks5://127.0.0.1:1" }, 2)]
    [InlineData(new[] { "proxy", "--listen", "127.0.0.1:0", "--auth", "nobody" }, 2)]
    [InlineData(new[] { "proxy", "--listen", "127.0.0.1:0", "--auth", "@/does/not/exist" }, 3)]
    [InlineData(new[] { "proxy", "--listen", "127.0.0.1:0", "--auth", "@" }, 3)]
    [InlineData(new[] { "completion", "tcsh" }, 2)]
    public async Task WhatIsWrongEndsWithItsCode(string[] arguments, int code) => Assert.Equal(code, await CommandLine.RunAsync(arguments));

    [Theory]
    [InlineData("socks5://user:secret@host:1080", "socks5://user:…@host:1080")]
    [InlineData("'http://u:se:cr@et@host' is odd", "'http://u:…@host' is odd")]
    [InlineData("user:secret@host", "user:…@host")]
    [InlineData("http://host:80/path", "http://host:80/path")]
    [InlineData("user@host:22", "user@host:22")]
    public void PasswordsAreNotShown(string typed, string shown) => Assert.Equal(shown, Secrets.Hide(typed));

    [Fact]
    public async Task APasswordFileMayHoldBlanksAndIsNoResponseFile()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "user:pass word\n");

            // Were the file's words arguments, 'word' would be the EXIT; so it is the listen address that is wrong.
            Assert.Equal(2, await CommandLine.RunAsync(["proxy", "--listen", "none", "--auth", "@" + file]));
            Assert.Equal(("user", "pass word"), Culvert.Cli.Commands.ProxyCommand.ReadCredentials("@" + file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
