using Culvert.Core.Stack.Tcp;
using Xunit;

namespace Culvert.Tests.Unit.Stack.Tcp;

public sealed class SeqTests
{
    [Theory]
    [InlineData(1u, 2u)]
    [InlineData(0xFFFF_FFFFu, 0u)]
    [InlineData(0xFFFF_FF00u, 0x7000_0000u)]
    public void OrderHoldsAcrossTheWrap(uint before, uint after)
    {
        Assert.True(Seq.Less(before, after));
        Assert.True(Seq.LessOrEqual(before, after));
        Assert.True(Seq.Greater(after, before));
        Assert.True(Seq.GreaterOrEqual(after, before));
        Assert.False(Seq.Less(after, before));
        Assert.Equal(after, Seq.Max(before, after));
        Assert.Equal(before, Seq.Min(before, after));
        Assert.Equal((int)(after - before), Seq.Distance(before, after));
        Assert.Equal(-Seq.Distance(before, after), Seq.Distance(after, before));
    }

    [Fact]
    public void EqualIsNeitherLessNorGreater()
    {
        Assert.False(Seq.Less(5, 5));
        Assert.False(Seq.Greater(5, 5));
        Assert.True(Seq.LessOrEqual(5, 5));
        Assert.True(Seq.GreaterOrEqual(5, 5));
    }
}
