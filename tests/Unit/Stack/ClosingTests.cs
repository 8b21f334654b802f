using System;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>Ends of connections: half-close both ways, TIME_WAIT, resets, and what Release does.</summary>
public sealed class ClosingTests
{
    [Fact]
    public void ApplicationMayFinishFirstAndStillReceive()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Fin | TcpFlags.Ack);
        peer.Event(StackEventKind.TcpReadable);
        Assert.True(flow.ReceiveFinished);
        Assert.Equal(peer.Sequence, peer.Next().Acknowledgment);
        Write(peer, flow, 100);
        Assert.Equal(100, peer.Next().Payload.Length);
        peer.Expected += 100;
        peer.Send(TcpFlags.Ack);
        flow.Finish(peer.Now);
        Assert.Equal(TcpFlags.Fin | TcpFlags.Ack, peer.Next().Flags);
        peer.Expected++;
        peer.Send(TcpFlags.Ack);
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal(TcpCloseReason.Finished, flow.CloseReason);
        Assert.Equal(0, peer.Stack.TcpFlowCount); // LAST_ACK leaves nothing behind
        flow.Release(peer.Now);
    }

    [Fact]
    public void WeMayFinishFirstAndStillReceive()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 100);
        flow.Finish(peer.Now);
        Segment last = peer.Next();
        Assert.Equal((TcpFlags.Fin | TcpFlags.Psh | TcpFlags.Ack, 100), (last.Flags, last.Payload.Length));
        Assert.True(flow.GetMemory().IsEmpty);
        peer.Expected += 101;
        peer.Send(TcpFlags.Ack);
        peer.Send(TcpFlags.Ack, [1, 2]);
        peer.Event(StackEventKind.TcpReadable);
        Assert.Equal(2, flow.Received.Length);
        flow.Consume(2, peer.Now);
        peer.All();
        peer.Send(TcpFlags.Fin | TcpFlags.Ack);
        peer.Event(StackEventKind.TcpReadable);
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal(TcpCloseReason.Finished, flow.CloseReason);
        Assert.Equal(peer.Sequence, peer.Next().Acknowledgment);
        Assert.Equal(1, peer.Stack.TcpFlowCount); // TIME_WAIT
        flow.Release(peer.Now);
        Assert.Equal(10_000_000, peer.Due("TimeWait"));
        Assert.Equal(0, peer.Stack.TcpFlowCount);
        peer.NoEvent();
    }

    [Fact]
    public void BothMayFinishAtOnce()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        flow.Finish(peer.Now);
        peer.Next();
        peer.Send(TcpFlags.Fin | TcpFlags.Ack); // not having seen ours
        Assert.Equal(peer.Sequence, peer.Next().Acknowledgment);
        peer.Event(StackEventKind.TcpReadable);
        peer.NoEvent();
        peer.Expected++;
        peer.Send(TcpFlags.Ack);
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal("TimeWait", peer.Stack.NextDeadlineReason);
        flow.Release(peer.Now);
    }

    [Fact]
    public void FinCountsInTheWindowAndWaitsForIt()
    {
        using ScriptedPeer peer = new() { Window = 100 };
        TcpFlow flow = peer.Connect(windowScale: 0);
        Write(peer, flow, 100);
        flow.Finish(peer.Now);
        Assert.Equal((TcpFlags.Psh | TcpFlags.Ack, 100), (peer.Next().Flags, 100));
        Assert.Null(peer.TryNext());
        peer.Expected += 100;
        peer.Window = 0;
        peer.Send(TcpFlags.Ack);
        peer.Due("Persist");
        Assert.Equal(TcpFlags.Ack, peer.Next().Flags);
        peer.Window = 100;
        peer.Send(TcpFlags.Ack);
        Assert.Equal(TcpFlags.Fin | TcpFlags.Ack, peer.Next().Flags);
        flow.Release(peer.Now);
        peer.Send(TcpFlags.Rst);
    }

    [Fact]
    public void FinIsSentAgainWhenLost()
    {
        using ScriptedPeer peer = new(sacks: false);
        TcpFlow flow = peer.Connect();
        flow.Finish(peer.Now);
        Segment fin = peer.Next();
        peer.Due("Retransmit");
        Segment again = peer.Next();
        Assert.Equal((fin.Sequence, fin.Flags), (again.Sequence, again.Flags));
        flow.Release(peer.Now);
        peer.Send(TcpFlags.Rst);
    }

    [Fact]
    public void TimeWaitAnswersTheFinAgainAndStartsOver()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = TimeWait(peer);
        flow.Release(peer.Now);
        peer.Now += 5_000_000;
        peer.Send(TcpFlags.Fin | TcpFlags.Ack, sequence: peer.Sequence - 1);
        Assert.Equal(peer.Sequence, peer.Next().Acknowledgment);
        Assert.Equal(10_000_000, peer.Due("TimeWait"));
    }

    [Fact]
    public void TimeWaitIgnoresResets()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = TimeWait(peer);
        flow.Release(peer.Now);
        peer.Send(TcpFlags.Rst);
        Assert.Equal("TimeWait", peer.Stack.NextDeadlineReason);
    }

    [Theory]
    [InlineData(1000, true)]
    [InlineData(-1000, false)]
    public void NewSynInTimeWaitIsTakenWhenItsSequenceIsHigher(int step, bool taken)
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = TimeWait(peer);
        uint reached = peer.Expected;
        flow.Release(peer.Now);
        uint before = peer.Sequence;
        peer.Sequence += (uint)step;
        peer.SendSyn();
        if (taken)
        {
            TcpFlow second = peer.Event(StackEventKind.TcpOpening).Tcp!;
            Assert.NotSame(flow, second);
            second.Accept(peer.Now);
            Assert.True((int)(peer.Next().Sequence - reached) > 0, "the new connection begins within the old one's sequence numbers");
            second.Release(peer.Now);
        }
        else
        {
            peer.NoEvent();
            Assert.Equal(before, peer.Next().Acknowledgment); // challenged
        }
    }

    [Fact]
    public void NewerTimestampReopensTimeWaitThoughTheSequenceIsLower()
    {
        using ScriptedPeer peer = new(timestamps: true);
        TcpFlow flow = TimeWait(peer);
        flow.Release(peer.Now);
        peer.Now += 1_000;
        peer.Sequence -= 1000;
        peer.SendSyn();
        peer.Event(StackEventKind.TcpOpening);
    }

    [Fact]
    public void ConnectionInTimeWaitGivesWayAtTheLimit()
    {
        using ScriptedPeer peer = new(new StackOptions { MaxTcpFlows = 1 });
        TcpFlow flow = TimeWait(peer);
        flow.Release(peer.Now);
        peer.Local = peer.Local with { Port = 40001 };
        peer.SendSyn();
        peer.Event(StackEventKind.TcpOpening);
        Assert.Equal(1, peer.Stack.TcpFlowCount);
    }

    [Fact]
    public void AbortResets()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        Write(peer, flow, 10);
        peer.Next();
        flow.Abort(peer.Now);
        Segment reset = peer.Next();
        Assert.Equal((TcpFlags.Rst | TcpFlags.Ack, peer.Expected + 10), (reset.Flags, reset.Sequence));
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal(TcpCloseReason.Aborted, flow.CloseReason);
        flow.Abort(peer.Now);
        flow.Release(peer.Now);
        Assert.Null(peer.TryNext());
    }

    [Fact]
    public void ReleasingAnOpenFlowAbortsIt()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        flow.Release(peer.Now);
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, peer.Next().Flags);
        peer.NoEvent();
    }

    [Fact]
    public void ReleasedFlowThatIsFinishingGoesOnByItself()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Fin | TcpFlags.Ack);
        Write(peer, flow, 50_000);
        flow.Finish(peer.Now);
        flow.Release(peer.Now);
        int sent = 0;
        while (peer.TryNext() is { } segment)
        {
            sent += segment.Payload.Length;
            peer.Expected = segment.Sequence + (uint)segment.Payload.Length + ((segment.Flags & TcpFlags.Fin) != 0 ? 1u : 0);
            peer.Now += 100;
            peer.Send(TcpFlags.Ack);
        }

        Assert.Equal(50_000, sent);
        Assert.Equal(0, peer.Stack.TcpFlowCount);
        Assert.Equal(0, peer.Pool.Outstanding);
    }

    [Fact]
    public void AbortingAllResetsAlsoWhatIsReleasedAndFinishing()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        flow.Finish(peer.Now);
        peer.Next();
        peer.Expected++;
        peer.Send(TcpFlags.Ack);
        flow.Release(peer.Now);
        peer.Stack.AbortAll(peer.Now);
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, peer.Next().Flags);
        Assert.Equal(0, peer.Stack.TcpFlowCount);
        peer.NoEvent();
    }

    [Fact]
    public void BytesForAReleasedFlowAreAnsweredWithAReset()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        flow.Finish(peer.Now);
        peer.Next();
        flow.Release(peer.Now);
        peer.Expected++;
        peer.Send(TcpFlags.Ack, [1]);
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, peer.Next().Flags);
        Assert.Equal(0, peer.Stack.TcpFlowCount);
    }

    [Fact]
    public void ReleasedFlowWaitsAMinuteForThePeersFin()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        flow.Finish(peer.Now);
        peer.Next();
        peer.Expected++;
        peer.Send(TcpFlags.Ack);
        flow.Release(peer.Now);
        Assert.Equal(60_000_000, peer.Due("Orphan"));
        Assert.Equal(0, peer.Stack.TcpFlowCount);
        peer.NoEvent();
    }

    [Fact]
    public void UnreadBytesAtReleaseMeanAReset()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        peer.Send(TcpFlags.Ack, [1, 2, 3]);
        peer.All();
        flow.Finish(peer.Now);
        peer.All();
        flow.Release(peer.Now);
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, peer.Next().Flags);
    }

    [Fact]
    public void FinishedFlowStillHoldsItsUnreadBytes()
    {
        using ScriptedPeer peer = new();
        TcpFlow flow = peer.Connect();
        flow.Finish(peer.Now);
        peer.Next();
        peer.Expected++;
        peer.Send(TcpFlags.Fin | TcpFlags.Ack, [1, 2, 3]);
        peer.Event(StackEventKind.TcpReadable);
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal(3, flow.Received.Length);
        flow.Consume(3, peer.Now);
        flow.Release(peer.Now);
        peer.All();
    }

    private static TcpFlow TimeWait(ScriptedPeer peer)
    {
        TcpFlow flow = peer.Connect();
        flow.Finish(peer.Now);
        peer.TimestampEcho = peer.Next().TimestampValue;
        peer.Expected++;
        peer.Send(TcpFlags.Fin | TcpFlags.Ack);
        peer.All();
        peer.Event(StackEventKind.TcpReadable);
        peer.Event(StackEventKind.TcpClosed);
        return flow;
    }

    private static void Write(ScriptedPeer peer, TcpFlow flow, int bytes)
    {
        while (bytes > 0)
        {
            int count = Math.Min(bytes, flow.GetMemory().Length);
            flow.Advance(count, peer.Now);
            bytes -= count;
        }
    }
}
