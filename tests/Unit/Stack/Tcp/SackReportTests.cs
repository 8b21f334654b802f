using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;
using Xunit;

namespace Culvert.Tests.Unit.Stack.Tcp;

public sealed class SackReportTests
{
    [Fact]
    public void NewestComesFirstAndTheOldestFallsOut()
    {
        SackReport report = default;
        for (uint i = 0; i < 6; i++)
        {
            report.Newest(new SeqRange(i * 100, (i * 100) + 10));
        }

        SackBlocks blocks = default;
        Assert.Equal(4, report.Take(ref blocks, 4));
        Assert.Equal((500u, 400u, 300u, 200u), (blocks[0].Left, blocks[1].Left, blocks[2].Left, blocks[3].Left));
    }

    [Fact]
    public void StretchThatGrewReplacesItsParts()
    {
        SackReport report = default;
        report.Newest(new SeqRange(100, 110));
        report.Newest(new SeqRange(300, 310));
        report.Newest(new SeqRange(120, 130));
        report.Newest(new SeqRange(100, 130));
        SackBlocks blocks = default;
        Assert.Equal(2, report.Take(ref blocks, 4));
        Assert.Equal((100u, 130u), (blocks[0].Left, blocks[0].Right));
    }

    [Fact]
    public void DuplicateIsReportedOnceAndBeforeTheRest()
    {
        SackReport report = default;
        report.Newest(new SeqRange(300, 310));
        report.Duplicate(new SeqRange(10, 20));
        SackBlocks blocks = default;
        Assert.Equal(2, report.Take(ref blocks, 3));
        Assert.Equal(10u, blocks[0].Left);
        Assert.Equal(1, report.Take(ref blocks, 3));
        Assert.Equal(300u, blocks[0].Left);
        report.Forget(310);
        Assert.True(report.IsEmpty);
    }
}
