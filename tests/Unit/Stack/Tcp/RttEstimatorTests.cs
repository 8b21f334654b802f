using Culvert.Core.Stack.Tcp;
using Xunit;

namespace Culvert.Tests.Unit.Stack.Tcp;

public sealed class RttEstimatorTests
{
    [Fact]
    public void FirstTimeOutIsASecond() => Assert.Equal(1_000_000, default(RttEstimator).Timeout(0));

    [Fact]
    public void SamplesAreSmoothedAsRfc6298Says()
    {
        RttEstimator rtt = default;
        rtt.Sample(1_000_000, 1_000_000);
        Assert.Equal((1_000_000, 3_000_000), (rtt.Smoothed, rtt.Timeout(0)));
        rtt.Sample(2_000_000, 2_000_000); // RTTVAR 3/4 * 500 + 1/4 * 1000 = 625, SRTT 1125
        Assert.Equal((1_125_000, 3_625_000), (rtt.Smoothed, rtt.Timeout(0)));
        Assert.Equal(1_000_000, rtt.Shortest);
    }

    [Fact]
    public void ConstantShortPathLeavesRoomForDelayedAcknowledgments()
    {
        RttEstimator rtt = default;
        for (int i = 0; i < 100; i++)
        {
            rtt.Sample(50, 50);
        }

        Assert.Equal(200_050, rtt.Timeout(0));
    }

    [Theory]
    [InlineData(1, 400_100)]
    [InlineData(4, 3_200_800)]
    [InlineData(15, 60_000_000)]
    [InlineData(1000, 60_000_000)]
    public void BackOffDoublesUpToAMinute(int backoffs, long expected)
    {
        RttEstimator rtt = default;
        rtt.Sample(50, 50);
        Assert.Equal(expected, rtt.Timeout(backoffs));
    }
}
