using System.Collections.Generic;
using System.Linq;
using System.Net;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Gateway;
using Xunit;

namespace Culvert.Tests.Unit.Gateway;

public sealed class PolicyRuleTests
{
    [Theory]
    // the first that matches decides
    [InlineData("deny 1.2.3.0/24\nallow 1.2.3.4", "1.2.3.4", false)]
    [InlineData("allow 1.2.3.4\ndeny 1.2.3.0/24", "1.2.3.4", true)]
    [InlineData("allow 1.2.3.4\ndeny 1.2.3.0/24", "1.2.3.5", false)]
    [InlineData("deny *", "8.8.8.8", false)]
    [InlineData("allow 8.8.8.8\ndeny *", "8.8.8.8", true)]
    // ports and protocols
    [InlineData("deny *:25", "8.8.8.8:25", false)]
    [InlineData("deny *:25", "8.8.8.8:26", true)]
    [InlineData("deny *:25-30", "8.8.8.8:30", false)]
    [InlineData("deny *:25-30", "8.8.8.8:31", true)]
    [InlineData("deny 8.8.8.8:53/udp", "8.8.8.8:53", true)]
    [InlineData("deny 8.8.8.8:53/udp", "8.8.8.8:53/udp", false)]
    [InlineData("deny 8.8.8.8/tcp", "8.8.8.8:53/udp", true)]
    [InlineData("deny 8.8.8.8/ping", "8.8.8.8/ping", false)]
    [InlineData("deny 8.8.8.8/ping", "8.8.8.8", true)]
    [InlineData("deny 8.8.8.8:1-65535", "8.8.8.8/ping", true)]
    [InlineData("deny 8.8.8.8", "8.8.8.8/ping", false)]
    // names
    [InlineData("deny bad.test", "bad.test=8.8.8.8", false)]
    [InlineData("deny Bad.Test", "BAD.test=8.8.8.8", false)]
    [InlineData("deny bad.test", "8.8.8.8", true)]
    [InlineData("deny bad.test", "not-bad.test=8.8.8.8", true)]
    [InlineData("deny bad.test", "www.bad.test=8.8.8.8", true)]
    [InlineData("deny *.bad.test", "www.bad.test=8.8.8.8", false)]
    [InlineData("deny *.bad.test", "a.b.bad.test=8.8.8.8", false)]
    [InlineData("deny *.bad.test", "bad.test=8.8.8.8", true)]
    [InlineData("deny *.bad.test", "notbad.test=8.8.8.8", true)]
    [InlineData("allow good.test\ndeny *", "good.test=8.8.8.8", true)]
    [InlineData("deny 8.8.8.0/24", "innocent.test=8.8.8.8", false)]
    // what is closed opens only by naming addresses in it
    [InlineData("allow 10.0.0.0/8", "10.1.1.1", true)]
    [InlineData("allow 10.1.1.1:22/tcp", "10.1.1.1:22", true)]
    [InlineData("allow 10.1.1.1:22/tcp", "10.1.1.1:23", false)]
    [InlineData("allow 10.0.0.0/7", "10.1.1.1", false)]
    [InlineData("allow 0.0.0.0/0", "127.0.0.1", false)]
    [InlineData("allow 0.0.0.0/0\nallow 127.0.0.1:8080", "127.0.0.1:8080", true)]
    [InlineData("allow *", "192.168.1.1", false)]
    [InlineData("allow ::/0", "fd00::1", false)]
    [InlineData("allow fd00::/8", "fd00::1", true)]
    [InlineData("allow nas.test", "nas.test=192.168.1.1", false)]
    [InlineData("allow 192.168.1.1", "nas.test=192.168.1.1", true)]
    [InlineData("allow 169.254.0.0/16", "169.254.1.1", true)]
    [InlineData("allow 169.254.0.0/16", "169.254.169.254", false)]
    [InlineData("allow 169.254.169.254", "169.254.169.254", true)]
    [InlineData("allow 10.0.0.0/8", "10.9.9.9", false)] // the gateway's own
    [InlineData("allow 10.9.9.9", "10.9.9.9", true)]
    // what is embedded is denied with what it leads to, and opened by its own name only
    [InlineData("deny 8.8.8.8", "64:ff9b::808:808", false)]
    [InlineData("deny 8.8.8.8", "2002:808:808::1", false)]
    [InlineData("deny 8.8.8.8", "::ffff:8.8.8.8", false)]
    [InlineData("deny 8.8.8.8", "64:ff9b::808:809", true)]
    [InlineData("allow 10.0.0.0/8", "64:ff9b::a00:1", false)]
    [InlineData("allow 64:ff9b::/96", "64:ff9b::a00:1", false)]
    [InlineData("allow 64:ff9b::a00:1", "64:ff9b::a00:1", true)]
    [InlineData("allow 8.8.8.8\ndeny *", "64:ff9b::808:808", false)]
    public void TheFirstRuleThatSpeaksOfADestinationDecides(string rules, string destination, bool allowed)
    {
        IReadOnlyList<PolicyRule> read = RuleReader.ReadFile("rules", rules);
        string[] parts = destination.Split('=');
        string place = parts[^1];
        PolicyProtocol protocol = place.EndsWith("/udp", System.StringComparison.Ordinal) ? PolicyProtocol.Udp : place.EndsWith("/ping", System.StringComparison.Ordinal) ? PolicyProtocol.Ping : PolicyProtocol.Tcp;
        place = place.Split('/')[0];
        int colon = place.Count(static c => c == ':') == 1 ? place.IndexOf(':', System.StringComparison.Ordinal) : place.Length;
        ushort port = colon < place.Length ? ushort.Parse(place[(colon + 1)..], null) : (ushort)443;
        IpAddr address = IpAddr.From(IPAddress.Parse(place[..colon]));
        IpAddr own = IpAddr.From(IPAddress.Parse("10.9.9.9"));
        string? why = new Policy(read, a => a == own).WhyNot(parts.Length == 2 ? parts[0] : null, address, port, protocol);
        Assert.Equal(allowed, why is null);
    }

    [Theory]
    [InlineData("10.0.0.0/33", "              ^")]
    [InlineData("10.0.0.1/8", "              ^")]
    [InlineData("10.0.0", "     ^")]
    [InlineData("010.0.0.1", "     ^")]
    [InlineData("127.1", "     ^")]
    [InlineData("0x7f.1", "     ^")]
    [InlineData("2130706433", "     ^")]
    [InlineData("fe80::1%eth0", "     ^")]
    [InlineData("example.com:0", "                 ^")]
    [InlineData("example.com:65536", "                 ^")]
    [InlineData("example.com:", "                 ^")]
    [InlineData("example.com:90-80", "                 ^")]
    [InlineData("example.com:80-", "                    ^")]
    [InlineData("example.com/icmp", "                 ^")]
    [InlineData("8.8.8.8:53/ping", "            ^")]
    [InlineData("[fd00::/8]:x", "                ^")]
    [InlineData("[fd00::/129]:80", "             ^")]
    [InlineData("1.1.1.1,,2.2.2.2", "             ^")]
    [InlineData("1.1.1.1, mün.de", "              ^")]
    [InlineData("a..b", "     ^")]
    [InlineData("*.", "     ^")]
    [InlineData("*.*.test", "     ^")]
    [InlineData("", "     ^")]
    public void WhatIsWrongIsShownWhereItStands(string rule, string caret)
    {
        CulvertException file = Assert.Throws<CulvertException>(() => RuleReader.ReadFile("/etc/x", $"# first\n\ndeny {rule}"));
        Assert.Equal(FailureKind.Configuration, file.Kind);
        Assert.StartsWith("/etc/x:3: ", file.Message, System.StringComparison.Ordinal);
        string[] lines = file.Message.Split('\n');
        Assert.Equal($"deny {rule}".TrimEnd(), lines[1].TrimStart());
        Assert.Equal(rule.Length == 0 ? "    ^" : caret, lines[2][4..]); // spaces at a line's end are no part of it

        CulvertException option = Assert.Throws<CulvertException>(() => RuleReader.ReadOption(false, rule));
        Assert.Equal(FailureKind.Usage, option.Kind);
        Assert.Equal(caret[5..], option.Message.Split('\n')[2][4..]);
    }

    [Fact]
    public void ALineBeginsWithItsVerb()
    {
        CulvertException e = Assert.Throws<CulvertException>(() => RuleReader.ReadFile("f", "  permit *"));
        Assert.Equal("f:1: a line begins with 'allow' or 'deny':\n      permit *\n      ^", e.Message);
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("1.2.3.4", "1.2.3.4")]
    [InlineData("1.2.3.4/32", "1.2.3.4")]
    [InlineData("::/0", "::/0")]
    [InlineData("fd00::/8", "fd00::/8")]
    [InlineData("::1/128", "::1")]
    public void RangesAreWrittenAsTheyAreRead(string text, string expected) => Assert.Equal(expected, AddressRange.Parse(text).ToString());

    [Fact]
    public void RulesOfAFileMayHaveCommentsAndLists()
    {
        IReadOnlyList<PolicyRule> rules = RuleReader.ReadFile("f", "# mine\r\n\tallow 10.0.0.1:22/tcp, [fd00::/8]:443 , nas.test # the NAS\r\n\r\ndeny\t*\n");
        Assert.Equal(["allow 10.0.0.1:22/tcp", "allow [fd00::/8]:443", "allow nas.test", "deny *"], rules.Select(static r => r.Text));
        Assert.Equal(443, rules[1].FirstPort);
        Assert.Equal("fd00::/8", rules[1].Range.ToString());
    }
}
