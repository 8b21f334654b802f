using System.Net;
using Culvert.Cli.LeakTest;
using Xunit;

namespace Culvert.Tests.Unit.Cli;

public sealed class LeakTestTests
{
    private static readonly IPAddress Link = IPAddress.Parse("198.18.0.2");
    private static readonly IPAddress Other = IPAddress.Parse("192.0.2.10");

    [Fact]
    public void TrafficFromTheLinksAddressThatMayNotGoAroundHolds()
        => Assert.True(new Observation("IPv4", Link, Link, Attempt.Refused).Judge().Holds);

    [Fact]
    public void TrafficWithoutARouteHolds() => Assert.True(new Observation("IPv6", null, Link, Attempt.NoWay).Judge().Holds);

    [Fact]
    public void AnotherSourceIsALeak() => Assert.False(new Observation("IPv4", Other, Link, null).Judge().Holds);

    [Fact]
    public void APacketThatLeftIsALeakWhateverTheRoutesSay() => Assert.False(new Observation("IPv4", Link, Link, Attempt.Sent).Judge().Holds);
}
