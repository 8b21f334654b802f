using System.Collections.Generic;
using Culvert.Platform.Steering;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class ResolvedLinkTests
{
    // As systemd 252 prints it, with a list that goes on in a second line.
    private const string Said = """
        Global: everywhere.example
        Link 2 (eth0): lab.example ~other.example
                       third.example
        Link 3 (wlan0):
        Link 4 (culvert0): ~. ~lab.example
        """;

    [Fact]
    public void DomainsOfEachLinkAreRead()
    {
        IReadOnlyDictionary<string, IReadOnlyList<string>> domains = ResolvedLink.Domains(Said);
        Assert.Equal(["lab.example", "~other.example", "third.example"], domains["eth0"]);
        Assert.Empty(domains["wlan0"]);
        Assert.Equal(["~.", "~lab.example"], domains["culvert0"]);
        Assert.Equal(3, domains.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("Link 2 eth0: a")]
    [InlineData(")(: a")]
    [InlineData("   a b")]
    public void OtherThingsAreNoDomains(string said) => Assert.Empty(ResolvedLink.Domains(said));

    [Fact]
    public void LinkIsAskedForEverythingAndByNameForWhatOtherLinksAreAskedFor() =>
        Assert.Equal(["~.", "~lab.example", "~other.example", "~third.example"], new ResolvedLink("culvert0").Wanted(ResolvedLink.Domains(Said)));

    [Fact]
    public void NothingOfAnotherLinkIsTakenForAnOptionOrWithoutEnd()
    {
        List<string> domains = ["-x", "--help", "~."];
        for (int i = 0; i < 2 * ResolvedLink.MaximumDomains; i++)
        {
            domains.Add($"d{i}.example");
        }

        List<string> wanted = new ResolvedLink("culvert0").Wanted(new Dictionary<string, IReadOnlyList<string>> { ["eth0"] = domains });
        Assert.Equal(ResolvedLink.MaximumDomains + 1, wanted.Count);
        Assert.All(wanted, static domain => Assert.StartsWith("~", domain, System.StringComparison.Ordinal));
    }
}
