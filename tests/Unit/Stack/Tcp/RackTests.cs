using Culvert.Core.Stack.Tcp;
using Xunit;

namespace Culvert.Tests.Unit.Stack.Tcp;

/// <summary>Loss by time (RFC 8985). Ten segments of 1000 bytes, one sent every millisecond, over a path of 100 ms.</summary>
public sealed class RackTests
{
    private const int Mss = 1000;
    private const long PathTime = 100_000;

    private readonly Scoreboard _board = new();
    private Rack _rack;
    private RttEstimator _rtt;

    public RackTests()
    {
        _rtt.Sample(PathTime, PathTime);
        for (uint i = 0; i < 10; i++)
        {
            _board.Add(i * Mss, (i + 1) * Mss, i * 1000);
        }
    }

    [Fact]
    public void SegmentSentAQuarterOfARoundTripBeforeOneThatArrivedIsLost()
    {
        long again = Arrives(1);
        Assert.Equal(0, _board.LostBytes);
        Assert.Equal(PathTime + (PathTime / 4), again); // the first, sent at 0
        Detect(again - 1);
        Assert.Equal(0, _board.LostBytes);
        Detect(again);
        Assert.Equal(Mss, _board.LostBytes);
    }

    [Fact]
    public void ThirdArrivalBehindItNeedsNoWait()
    {
        Arrives(1);
        Arrives(2);
        Assert.Equal(0, _board.LostBytes);
        Arrives(3);
        Assert.Equal(Mss, _board.LostBytes);
    }

    [Fact]
    public void PathThatReordersIsGivenTheTimeAlways()
    {
        Arrives(2);
        Arrives(1); // late, not lost
        Arrives(3);
        Arrives(4);
        Assert.Equal(0, _board.LostBytes);
    }

    [Fact]
    public void DuplicatesWidenTheWindow()
    {
        _rack.SawDuplicate();
        Assert.Equal(PathTime + (PathTime / 2), Arrives(1));
    }

    [Fact]
    public void RetransmissionIsLostWhenSomethingSentLaterArrived()
    {
        for (int i = 1; i <= 3; i++)
        {
            Arrives(i);
        }

        _board.Retransmitted(0, Mss, 104_000);
        _board.Add(10 * Mss, 11 * Mss, 110_000);
        Assert.False(_board[0].Has(SentFlags.Lost));
        Arrives(10, sentAt: 110_000);
        Assert.True(_board[0].Has(SentFlags.Lost));
    }

    [Fact]
    public void AcknowledgmentOfTheFirstTransmissionTellsNothingOfTheSecond()
    {
        _board.MarkLost(0);
        _board.Retransmitted(0, Mss, 99_000);
        Delivery delivery = _board.BeginDelivery();
        _board.Acknowledge(Mss, ref delivery);
        _rack.Update(delivery, 100_000, _rtt.Shortest, echoSentAt: -1); // after 1 ms on a path of 100
        Detect(100_000);
        Assert.Equal(0, _board.LostBytes);
    }

    private long Arrives(int index) => Arrives(index, index * 1000);

    private long Arrives(int index, long sentAt)
    {
        uint start = (uint)index * Mss;
        long now = sentAt + PathTime;
        Delivery delivery = _board.BeginDelivery();
        _board.Sack(new SeqRange(start, start + Mss), ref delivery);
        _rack.Update(delivery, now, _rtt.Shortest, echoSentAt: -1);
        return Detect(now);
    }

    private long Detect(long now) => _rack.Detect(_board, now, _rtt, Mss, inRecovery: false);
}
