using System;
using System.IO;
using System.Runtime.Versioning;
using Culvert.Cli.Profiles;
using Culvert.Core;
using Xunit;

namespace Culvert.Tests.Unit.Cli;

[SupportedOSPlatform("linux")]
public sealed class ProfileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"culvert-profiles-{Guid.NewGuid():N}.toml");

    public void Dispose() => File.Delete(_path);

    private void Write(string text, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        File.WriteAllText(_path, text);
        File.SetUnixFileMode(_path, mode);
    }

    private Profile Find(string name = "home")
    {
        Assert.True(ProfileFile.TryFind(name, [_path], out Profile? profile, out _));
        return profile;
    }

    private CulvertException Fails(string text)
    {
        Write(text);
        CulvertException failure = Assert.Throws<CulvertException>(() => Find());
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        return failure;
    }

    [Fact]
    public void AProfileHasAllThatTheCommandLineHas()
    {
        Write("""
            # my exits
            [exit.home]
            uri = "socks5://mary:s\u00e9cret@proxy:1080" # with a password
            dns = 'virtual'
            mtu = 1_400
            exclude = [
              "10.0.0.0/8", # the office
              "bank.example",
            ]
            lan = false
            kill-switch = true
            post-up = ["/usr/bin/notify-send", "it's \"up\""]

            [exit.work]
            uri = "direct:"
            """);
        Profile home = Find();
        Assert.Equal("socks5://mary:sécret@proxy:1080", home.Uri);
        Assert.Equal("virtual", home.Dns);
        Assert.Equal(1400, home.Mtu);
        Assert.Equal(["10.0.0.0/8", "bank.example"], home.Exclude);
        Assert.False(home.Lan);
        Assert.True(home.KillSwitch);
        Assert.Equal(["/usr/bin/notify-send", "it's \"up\""], home.PostUp);
        Assert.Equal("direct:", Find("work").Uri);
    }

    [Theory]
    [InlineData("[exit.home]\nuri = \"direct:\"\nmtu = \"big\"\n", ":3: 'mtu' is a number, not a string.")]
    [InlineData("[exit.home]\nuri = \"direct:\"\n\ncolour = 3\n", ":4: 'colour' is not known")]
    [InlineData("[exit.home]\nuri = \"direct:\nmtu = 3\n", ":2: the string does not end")]
    [InlineData("[exit.home]\nuri = direct:\n", ":2: 'direct:' is no value")]
    [InlineData("[exit.home\nuri = \"direct:\"\n", ":1: a table's name ends with ']'")]
    [InlineData("[exit.home]\nuri = \"direct:\"\nuri = \"direct:\"\n", ":3: 'uri' is there twice")]
    [InlineData("[exit.home]\nuri = \"direct:\" x\n", ":2: 'x' is too much")]
    [InlineData("[exit.home]\nuri = \"direct:\"\nexclude = [\"a\" \"b\"]\n", ":3: between the strings")]
    [InlineData("[exit.home]\nuri = \"direct:\"\nexclude = [\"a\",\n", ": a list holds strings")]
    [InlineData("[exit.home]\nuri = \"a\\q\"\n", ":2: '\\q' is no escape")]
    [InlineData("[server]\nport = 3\n", ":2: [server] is not known")]
    [InlineData("[exit.home]\ndns = \"auto\"\n", "has no uri")]
    public void MistakesAreToldWithFileAndLine(string text, string expected)
    {
        string message = Fails(text).Message;
        Assert.StartsWith(_path, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnUnknownProfileNamesThoseThatThereAre()
    {
        Write("[exit.work]\nuri = \"direct:\"\n");
        Assert.False(ProfileFile.TryFind("home", [_path], out _, out string there));
        Assert.Contains("there are work", there, StringComparison.Ordinal);
    }

    [Fact]
    public void APasswordThatOthersMayReadIsRefused()
    {
        Write("[exit.home]\nuri = \"socks5://mary:secret@proxy:1080\"\n", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        CulvertException failure = Assert.Throws<CulvertException>(() => Find());
        Assert.Contains("chmod 600", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileThatOthersMayWriteIsRefused()
    {
        Write("[exit.home]\nuri = \"direct:\"\n", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        Assert.Contains("chmod go-w", Assert.Throws<CulvertException>(() => Find()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GarbageIsAnErrorAndNothingElse()
    {
        Random random = new(5);
        const string alphabet = "[]\"'\\=#.,\n\t ab1-u";
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Create(random.Next(40), random, static (span, r) =>
            {
                foreach (ref char c in span)
                {
                    c = alphabet[r.Next(alphabet.Length)];
                }
            });
            try
            {
                TomlReader.Read("file", text);
            }
            catch (CulvertException)
            {
                // Refused, with the line.
            }
        }
    }
}
