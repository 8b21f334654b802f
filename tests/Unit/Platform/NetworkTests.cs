using Culvert.Platform.Network;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class NetworkTests
{
    private static readonly string[] RoutesV4 =
    [
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
        "wlan0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0",
        "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
        "eth1\t00000000\t00000000\t0203\t0\t0\t0\t00000000\t0\t0\t0",
        "eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0",
    ];

    private static readonly string[] RoutesV6 =
    [
        "20010db8000100000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 00000400 00000001 00000000 00000001 culvert0",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db8000100000000000000000001 00000400 00000003 00000000 00000003     eth0",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo",
    ];

    [Fact]
    public void TheDefaultRouteIsTheBestOneThatIsUpAndNotTheTunnels()
    {
        Assert.Equal("eth0", DefaultRoute.Best(DefaultRoute.ParseV4(RoutesV4), "culvert0")?.Interface);
        Assert.Equal("wlan0", DefaultRoute.Best(DefaultRoute.ParseV4(RoutesV4), "eth0")?.Interface);
        Assert.Equal("eth0", DefaultRoute.Best(DefaultRoute.ParseV6(RoutesV6), "culvert0")?.Interface);
        Assert.Null(DefaultRoute.Best(DefaultRoute.ParseV4([]), "culvert0"));
    }

    [Fact]
    public void CountersAreThoseOfTheInterfaceAsked()
    {
        string[] lines =
        [
            "Inter-|   Receive                                                |  Transmit",
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
            "culvert0: 1000       2    0    0    0     0          0         0      77       1    0    0    0     0       0          0",
            "    lo: 5       2    0    0    0     0          0         0      6       1    0    0    0     0       0          0",
        ];
        Assert.True(LinkCounters.TryParse(lines, "culvert0", out LinkCounters counters));
        Assert.Equal(new LinkCounters(1000, 77), counters);
        Assert.False(LinkCounters.TryParse(lines, "culvert", out _));
    }
}
