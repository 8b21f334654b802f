using System;
using Culvert.Core.Stack.Tcp;
using Xunit;

namespace Culvert.Tests.Unit.Stack.Tcp;

public sealed class ScoreboardTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void FiguresAgreeWithTheSegmentsWhateverHappens(int seed)
    {
        Random random = new(seed);
        Scoreboard board = new();
        uint acknowledged = 0xFFFF_0000;
        uint next = acknowledged;
        for (int i = 0; i < 20_000; i++)
        {
            Delivery delivery = board.BeginDelivery();
            int before = board.InFlight + board.LostBytes;
            switch (random.Next(6))
            {
                case 0 or 1 when board.Count < 100:
                    uint length = (uint)random.Next(1, 65_000);
                    board.Add(next, next + length, i);
                    next += length;
                    break;
                case 2:
                    acknowledged += (uint)random.Next(Seq.Distance(acknowledged, next) + 1) / 2;
                    board.Acknowledge(acknowledged, ref delivery);
                    Assert.Equal(before - delivery.Bytes, board.InFlight + board.LostBytes);
                    break;
                case 3 when board.Count > 0:
                    uint left = acknowledged + (uint)random.Next(Seq.Distance(acknowledged, next));
                    uint right = left + 1 + (uint)random.Next(Seq.Distance(left, next));
                    board.Sack(new SeqRange(left, right), ref delivery);
                    Assert.Equal(before - delivery.Bytes, board.InFlight + board.LostBytes);
                    break;
                case 4 when board.Count > 0:
                    board.MarkLost(random.Next(board.Count));
                    break;
                case 5 when board.NextLost() is >= 0 and int lost:
                    board.Retransmitted(lost, random.Next(1, board[lost].Length + 1), i);
                    break;
            }

            Check(board, acknowledged, next);
        }

        board.MarkAllLost(distrustSacks: true);
        Assert.Equal(Seq.Distance(acknowledged, next), board.LostBytes);
        Check(board, acknowledged, next);
    }

    [Fact]
    public void SackThatEndsWithinASuperSegmentCutsIt()
    {
        Scoreboard board = new();
        board.Add(0, 60_000, 1);
        Delivery delivery = board.BeginDelivery();
        board.Sack(new SeqRange(10_000, 20_000), ref delivery);
        Assert.Equal((3, 10_000, 50_000, 1), (board.Count, board.SackedBytes, board.InFlight, board.SackedSegments));
        board.MarkLost(0);
        board.Retransmitted(board.NextLost(), 1_000, 2);
        Assert.Equal((4, 9_000), (board.Count, board.LostBytes));
    }

    [Fact]
    public void ArrivalBelowTheHighestSackOfASegmentSentOnceIsReordering()
    {
        Scoreboard board = new();
        board.Add(0, 10, 1);
        board.Add(10, 20, 1);
        board.Add(20, 30, 1);
        Delivery together = board.BeginDelivery();
        board.Sack(new SeqRange(20, 30), ref together);
        board.Sack(new SeqRange(10, 20), ref together);
        Assert.False(together.Reordered); // one ACK may report both
        Delivery late = board.BeginDelivery();
        board.Acknowledge(30, ref late);
        Assert.True(late.Reordered);
    }

    private static void Check(Scoreboard board, uint acknowledged, uint next)
    {
        int flight = 0, lost = 0, sacked = 0, segments = 0;
        uint at = acknowledged;
        bool anyLost = false;
        for (int i = 0; i < board.Count; i++)
        {
            SentSegment segment = board[i];
            Assert.Equal(at, segment.Start);
            Assert.True(segment.Length > 0);
            at = segment.End;
            flight += segment.Has(SentFlags.Lost | SentFlags.Sacked) ? 0 : segment.Length;
            lost += segment.Has(SentFlags.Lost) ? segment.Length : 0;
            sacked += segment.Has(SentFlags.Sacked) ? segment.Length : 0;
            segments += segment.Has(SentFlags.Sacked) ? 1 : 0;
            if (segment.Has(SentFlags.Lost) && !anyLost)
            {
                anyLost = true;
                Assert.Equal(i, board.NextLost());
            }
        }

        Assert.Equal(next, at);
        Assert.Equal((flight, lost, sacked, segments), (board.InFlight, board.LostBytes, board.SackedBytes, board.SackedSegments));
        Assert.Equal(anyLost, board.NextLost() >= 0);
    }
}
