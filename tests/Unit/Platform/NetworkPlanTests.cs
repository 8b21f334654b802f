using System;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Netlink;
using Culvert.Platform.Steering;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class NetworkPlanTests
{
    private static readonly Place Here = new("culvert0", 7, new Slot(0), V6: true)
    {
        Neighbours = [IPNetwork.Parse("192.0.2.0/24"), IPNetwork.Parse("0.0.0.0/1"), IPNetwork.Parse("2000::/3")],
        Busy = new BusyPorts([22], [33333]),
    };

    public static TheoryData<string> Rules =>
    [
        "v4 priority 5100 table 254 iif culvert0",
        "v6 priority 5101 table 254 fwmark 536870912 fwmask 536870912",
        "v4 priority 5103 table 254 to 198.51.100.10/32 ipproto 6 dport 1080",
        "v6 priority 5117 table 19780 uid 1000",
        "v4 priority 5114 table 254 suppress 7",
        "v4 priority 5102 table 254 ipproto 17 sport 68 dport 67",
    ];

    [Theory]
    [MemberData(nameof(Rules))]
    public void RuleSurvivesTheJournal(string text)
    {
        Assert.True(PolicyRule.TryParse(text, out PolicyRule rule));
        Assert.Equal(text, rule.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("v4")]
    [InlineData("v5 priority 1 table 2")]
    [InlineData("v4 priority 1 table 2 sausage 3")]
    [InlineData("v4 priority 1 table 2 to 10.0.0.0/33")]
    [InlineData("v4 priority -1 table 2")]
    public void TextThatIsNoRuleIsRefused(string text) => Assert.False(PolicyRule.TryParse(text, out _));

    [Fact]
    public void ExitsPortStandsBeforeNamesAndNamesBeforeTheNeighbourhood()
    {
        NetworkPlan plan = Plan(new TunnelState { Outside = [Bypass.To(IPAddress.Parse("192.0.2.9"), Bypass.Tcp, 53), Bypass.To(IPAddress.Parse("192.0.2.9"), Bypass.Udp)] });
        PolicyRule[] v4 = [.. plan.Rules.Where(static rule => rule.Family == AddressFamily.InterNetwork)];
        int exit = Array.FindIndex(v4, static rule => rule.To is not null && rule.Port == 53);
        int names = Array.FindIndex(v4, static rule => rule.Port == 53 && rule.Table == 19781);
        int relay = Array.FindIndex(v4, static rule => rule.To is not null && rule.Protocol == Bypass.Udp);
        int neighbours = Array.FindIndex(v4, static rule => rule.SuppressedPrefix >= 0);
        int rest = Array.FindIndex(v4, static rule => rule.Table == 19780);
        Assert.True(exit >= 0 && exit < names && names < relay && relay < neighbours && neighbours < rest, string.Join('\n', v4));
        Assert.Equal(rest, v4.Length - 1);
    }

    [Fact]
    public void HalvesOfADefaultRouteAreNoNeighbourhood()
    {
        string guard = Plan(new TunnelState()).Guard;
        Assert.Contains("192.0.2.0/24", guard, StringComparison.Ordinal);
        Assert.DoesNotContain("0.0.0.0/1", guard, StringComparison.Ordinal);
        Assert.DoesNotContain("2000::/3", guard, StringComparison.Ordinal);
        Assert.DoesNotContain("192.0.2.0/24", Plan(new TunnelState { Lan = false }).Guard, StringComparison.Ordinal);
    }

    [Fact]
    public void ExcludedNetworkIsThrownOutOfTheTable()
    {
        IPNetwork excluded = IPNetwork.Parse("203.0.113.0/24");
        NetworkPlan plan = Plan(new TunnelState { Outside = [new Bypass(excluded)] });
        Assert.Contains(new TableRoute(19780, excluded, 0), plan.Routes);
        Assert.Contains(new TableRoute(19780, IPNetwork.Parse("0.0.0.0/0"), 7), plan.Routes);
    }

    [Fact]
    public void Ipv6ThatIsNotCarriedHasNoWayButForNames()
    {
        NetworkPlan plan = Plan(new TunnelState { Ipv6 = false });
        Assert.DoesNotContain(plan.Rules, static rule => rule is { Family: AddressFamily.InterNetworkV6, Table: 19780 });
        Assert.Contains(plan.Rules, static rule => rule is { Family: AddressFamily.InterNetworkV6, Table: 19781 });
        Assert.Contains("meta nfproto ipv6 goto refused", plan.Guard, StringComparison.Ordinal);
    }

    [Fact]
    public void KillSwitchIsTheGuardThatNobodyOwns()
    {
        Assert.Contains("flags owner", Plan(new TunnelState()).Guard, StringComparison.Ordinal);
        NetworkPlan plan = Plan(new TunnelState { KillSwitch = true });
        Assert.DoesNotContain("flags owner", plan.Guard, StringComparison.Ordinal);
        Assert.True(plan.GuardStays);
    }

    [Fact]
    public void HoleForAPortalLeadsNothingIn()
    {
        NetworkPlan plan = NetworkPlan.For(new TunnelState(), Here, TimeSpan.FromSeconds(90.5));
        Assert.DoesNotContain(plan.Rules, static rule => rule.Table != Rtnetlink.MainTable);
        Assert.Contains("ipv4 timeout 91s", plan.Guard, StringComparison.Ordinal);
        Assert.Empty(plan.Resolvers);
    }

    [Fact]
    public void TunnelsOfOtherSlotsShareNoNumber()
    {
        Slot[] slots = [.. Enumerable.Range(0, Slot.Count).Select(static number => new Slot(number))];
        Assert.Equal(Slot.Count * 2, slots.SelectMany(static slot => new[] { slot.Table, slot.NamesTable }).Distinct().Count());
        Assert.Equal(Slot.Count, slots.Select(static slot => slot.GroupMark & Slot.GroupMask).Distinct().Count());
        Assert.True(slots[^1].Priority + 100 < 32766);
        Assert.Equal(new Slot(2), Slot.Free(["+ Routes 19780", "- Rule x", "+ Routes 19782"]));
    }

    [Fact]
    public void PortsAreReadFromTheKernelsTables()
    {
        string[] lines =
        [
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
            "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0",
            "   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0",
            "garbage",
        ];
        Assert.Equal([(ushort)22], BusyPorts.Ports(lines, "0A"));
        Assert.Equal([(ushort)8080], BusyPorts.Ports(lines, "01"));
        Assert.Equal(((ushort)32768, (ushort)60999), BusyPorts.Range("32768\t60999\n"));
        Assert.Throws<CulvertException>(() => BusyPorts.Range("none"));
    }

    private static NetworkPlan Plan(TunnelState state) => NetworkPlan.For(state, Here, TimeSpan.Zero);
}
