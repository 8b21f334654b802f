using System;
using Culvert.Core.Stack.Tcp;
using Xunit;

namespace Culvert.Tests.Unit.Stack.Tcp;

public sealed class CubicTests
{
    private const int Mss = 1000;
    private const int Limit = 100_000_000;

    [Theory]
    [InlineData(1460, 14_600)]
    [InlineData(500, 5_000)]
    [InlineData(9000, 18_000)]
    public void InitialWindowIsRfc6928s(int mss, int window) => Assert.Equal(window, new Cubic(mss).Window);

    [Fact]
    public void SlowStartGrowsByWhatIsAcknowledged()
    {
        Cubic cubic = new(Mss);
        cubic.Acknowledged(5_000, 0, 100, Limit);
        Assert.Equal(15_000, cubic.Window);
    }

    [Fact]
    public void LossTakesThirtyPercentAndNeverLeavesLessThanTwoSegments()
    {
        Cubic cubic = new(Mss) { Window = 100_000 };
        cubic.Reduce();
        Assert.Equal(70_000, cubic.SlowStartThreshold);
        cubic.Window = Mss;
        cubic.Reduce();
        Assert.Equal(2 * Mss, cubic.SlowStartThreshold);
    }

    [Fact]
    public void WindowReturnsToWhereTheLossWasAfterKAndThenGrowsFaster()
    {
        // W_max 1000 segments, beta 0.7: K = cbrt(1000 * 0.3 / 0.4) = 9.09 s (RFC 9438 section 4.2).
        const long Rtt = 100_000;
        Cubic cubic = new(Mss) { Window = 1000 * Mss };
        cubic.Reduce();
        cubic.Window = cubic.SlowStartThreshold;
        double halfway = 0, atK = 0;
        for (long now = 1; now < 14_000_000; now += Rtt)
        {
            cubic.Acknowledged(cubic.Window, now, Rtt, Limit);
            halfway = now < 4_500_000 ? cubic.Window : halfway;
            atK = now < 9_090_000 ? cubic.Window : atK;
        }

        Assert.InRange(halfway / Mss, 930, 980); // concave: 1000 - 0.4 * 4.5^3 = 963
        Assert.InRange(atK / Mss, 990, 1010);
        Assert.InRange(cubic.Window / (double)Mss, 1035, 1065); // convex: 1000 + 0.4 * 4.9^3 = 1047
    }

    [Fact]
    public void ShortPathsAreServedAsByReno()
    {
        // At 10 ms CUBIC's own curve would take seconds; the estimate of Reno's window grows by about half a segment a round trip (section 4.3).
        const long Rtt = 10_000;
        Cubic cubic = new(Mss) { Window = 20 * Mss };
        cubic.Reduce();
        cubic.Window = cubic.SlowStartThreshold;
        for (int i = 0; i < 10; i++)
        {
            cubic.Acknowledged(cubic.Window, 1 + (i * Rtt), Rtt, Limit);
        }

        Assert.InRange(cubic.Window, 18 * Mss, 20 * Mss);
    }

    [Fact]
    public void SecondLossBeforeTheFormerWindowMakesRoomForOthers()
    {
        Cubic once = new(Mss) { Window = 100 * Mss };
        once.Reduce();
        Cubic twice = once;
        once.Window = twice.Window = once.SlowStartThreshold;
        twice.Reduce(); // fast convergence: W_max is 59.5, not 70
        twice.Window = twice.SlowStartThreshold;
        for (long now = 1; now < 3_000_000; now += 500_000)
        {
            twice.Acknowledged(twice.Window, now, 1_000_000, Limit);
        }

        Assert.InRange(twice.Window, 57 * Mss, 62 * Mss); // on its plateau, where it were on the way to 70 else
    }

    [Fact]
    public void IdleWindowFallsToTheInitialOne()
    {
        Cubic cubic = new(Mss) { Window = 500 * Mss };
        cubic.Restart();
        Assert.Equal(Cubic.InitialWindow(Mss), cubic.Window);
    }

    [Fact]
    public void WindowNeverExceedsTheLimit()
    {
        Cubic cubic = new(Mss);
        for (int i = 0; i < 30; i++)
        {
            cubic.Acknowledged(Math.Min(cubic.Window, 1 << 24), 1, 100, 123_456);
        }

        Assert.Equal(123_456, cubic.Window);
    }
}
