using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>What streams promise: honest answers, every byte, half-close, resets.</summary>
public sealed class StreamTests
{
    [Fact]
    public void BytesGoBothWays()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, "question"u8);
        SessionPair.Write(SessionPair.Far(stream), "answer"u8);
        pair.Carry();
        Assert.Equal("question"u8, SessionPair.Read(SessionPair.Far(stream)));
        Assert.Equal("answer"u8, SessionPair.Read(stream));
        stream.Release();
    }

    [Fact]
    public void NothingIsAnsweredBeforeTheOtherSideHasConnected()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.Device.Open(SessionPair.Web, pair.Now)!;
        SessionPair.Clear(pair.Device);
        SessionPair.Write(stream, "early"u8);
        pair.Carry();
        Assert.False(pair.Device.TryNextEvent(out _));
        SessionPair.Next(pair.Gateway); // Ready
        VshpStream asked = SessionPair.Next(pair.Gateway).Stream!;
        Assert.Equal(SessionPair.Web, asked.Destination);
        Assert.True(asked.GetMemory().IsEmpty);
        Assert.Equal("early"u8, SessionPair.Read(asked));
        asked.Accept();
        pair.Carry();
        Assert.Equal(SessionEventKind.Opened, SessionPair.Next(pair.Device).Kind);
        stream.Release();
        asked.Release();
    }

    [Fact]
    public void ARefusalSaysWhy()
    {
        using SessionPair pair = new();
        SessionPair.Clear(pair.Device);
        SessionPair.Clear(pair.Gateway);
        VshpStream stream = pair.Device.Open(SessionPair.Web, pair.Now)!;
        pair.Carry();
        SessionPair.Next(pair.Gateway).Stream!.Refuse(VshpReason.HostUnreachable);
        pair.Carry();
        Assert.Equal(SessionEventKind.Closed, SessionPair.Next(pair.Device).Kind);
        Assert.Equal(VshpReason.HostUnreachable, stream.CloseReason);
        Assert.Equal(0, pair.Gateway.OpenFlows);
        stream.Release();
    }

    [Fact]
    public void OneWayEndsAndTheOtherGoesOn()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        VshpStream far = SessionPair.Far(stream);
        SessionPair.Write(stream, "all"u8);
        stream.Finish();
        pair.Carry();
        Assert.True(far.ReceiveFinished);
        Assert.Equal("all"u8, SessionPair.Read(far));
        SessionPair.Write(far, "still here"u8);
        pair.Carry();
        Assert.Equal("still here"u8, SessionPair.Read(stream));
        Assert.False(stream.IsOver);
        far.Finish();
        pair.Carry();
        Assert.True(stream.IsOver);
        Assert.True(far.IsOver);
        Assert.Equal(VshpReason.None, stream.CloseReason);
        stream.Release();
        far.Release();
        Assert.Equal(0, pair.Gateway.OpenFlows);
    }

    [Fact]
    public void TheEndNeedsNoWindow()
    {
        using SessionPair pair = new(gateway: new VshpOptions { SessionWindow = 16_384, MaxSessionWindow = 16_384 });
        VshpStream full = pair.OpenAccepted();
        VshpStream other = pair.OpenAccepted();
        SessionPair.Write(full, new byte[100_000]);
        other.Finish();
        pair.Carry();
        Assert.Equal(16_384, SessionPair.Far(full).Received.Length);
        Assert.True(SessionPair.Far(other).ReceiveFinished);
    }

    [Fact]
    public void AResetEndsBothWaysAndLeavesWhatHadArrived()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        VshpStream far = SessionPair.Far(stream);
        SessionPair.Write(stream, "before"u8);
        pair.Carry();
        SessionPair.Write(stream, "never"u8);
        stream.Reset(VshpReason.TimedOut);
        pair.Carry();
        Assert.True(far.IsOver);
        Assert.Equal(VshpReason.TimedOut, far.CloseReason);
        Assert.Equal("before"u8, SessionPair.Read(far));
        Assert.True(far.GetMemory().IsEmpty);
        Assert.DoesNotContain(pair.FromGateway, static frame => frame[0] == (byte)FrameType.Reset);
        far.Release();
        stream.Release();
    }

    [Fact]
    public void WhatIsOnItsWayToAStreamThatIsOverIsForgottenAndStillCounts()
    {
        VshpOptions small = new() { SessionWindow = 16_384, MaxSessionWindow = 16_384 };
        using SessionPair pair = new(gateway: small);
        for (int i = 0; i < 10; i++)
        {
            VshpStream stream = pair.OpenAccepted();
            SessionPair.Write(stream, new byte[10_000]);
            SessionPair.Far(stream).Reset(VshpReason.Reset);
            pair.Carry(); // data and reset cross
            Assert.True(stream.IsOver);
            stream.Release();
            SessionPair.Far(stream).Release();
        }

        VshpStream last = pair.OpenAccepted();
        SessionPair.Write(last, new byte[10_000]);
        pair.Carry();
        Assert.Equal(10_000, SessionPair.Far(last).Received.Length);
    }

    [Fact]
    public void AStreamReleasedWithBytesUnreadIsReset()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        VshpStream far = SessionPair.Far(stream);
        SessionPair.Write(stream, "unread"u8);
        pair.Carry();
        far.Finish();
        far.Release();
        pair.Carry();
        Assert.Equal(VshpReason.Cancelled, stream.CloseReason);
        stream.Release();
    }

    [Fact]
    public void AStreamReleasedWhileItIsFinishingSendsItsRest()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        VshpStream far = SessionPair.Far(stream);
        SessionPair.Write(stream, new byte[200_000]);
        stream.Finish();
        stream.Release();
        long got = 0;
        while (!far.ReceiveFinished || far.Received.Length > 0)
        {
            pair.Carry();
            got += SessionPair.Read(far).Length;
        }

        Assert.Equal(200_000, got);
        far.Finish();
        far.Release();
        pair.Carry();
        Assert.Equal(0, pair.Device.OpenFlows);
        Assert.Equal(0, pair.Gateway.OpenFlows);
    }

    [Fact]
    public void DataBehindTheEndIsAViolation()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        stream.Finish();
        pair.Carry();
        pair.Gateway.Receive(VectorFrame.Encode($"DATA id={stream.Id} bytes=00"), pair.Now);
        Assert.Equal(VshpReason.Protocol, pair.Gateway.EndReason);
    }

    [Fact]
    public void GatewaysOpenStreamsToo()
    {
        using SessionPair pair = new();
        SessionPair.Clear(pair.Device);
        VshpStream stream = pair.Gateway.Open(SessionPair.Web, pair.Now)!;
        Assert.Equal(2u, stream.Id);
        pair.Carry();
        SessionPair.Next(pair.Device).Stream!.Accept();
        SessionPair.Write(stream, "down"u8);
        pair.Carry();
        Assert.False(pair.Gateway.IsOver);
    }

    [Fact]
    public void AnUnknownFrameIsSkippedAndCounts()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Gateway.Receive(VectorFrame.Encode("UNKNOWN type=127 id=5 flags=255 bytes=0102"), pair.Now);
        pair.Gateway.Receive(VectorFrame.Encode("UNKNOWN type=255 id=0 flags=0 bytes="), pair.Now);
        Assert.False(pair.Gateway.IsOver);
        Assert.Equal(2, pair.Gateway.Counters.FramesUnknown);
        Assert.False(stream.IsOver);
    }

    [Fact]
    public void MoreFlowsThanTheOtherTakesAreRefusedHereAndThere()
    {
        using SessionPair pair = new(gateway: new VshpOptions { MaxFlows = 2 });
        VshpStream[] streams = [pair.OpenAccepted(), pair.OpenAccepted()];
        Assert.Null(pair.Device.Open(SessionPair.Web, pair.Now));
        Assert.Equal(VshpReason.LimitReached, pair.Device.OpenRefusal);
        Assert.Null(pair.Device.Associate());

        // Whoever resets makes room for itself, but not where the far end has not let go yet.
        streams[0].Reset(VshpReason.Cancelled);
        VshpStream third = pair.Device.Open(SessionPair.Web, pair.Now)!;
        pair.Carry();
        Assert.Equal(VshpReason.LimitReached, third.CloseReason);
        SessionPair.Far(streams[0]).Release();
        Assert.False(pair.OpenAccepted().IsOver);
        third.Release();
    }

    [Fact]
    public void AFloodOfOpensEndsTheSessionThatDoesNotReadItsRefusals()
    {
        using SessionPair pair = new(gateway: new VshpOptions { MaxFlows = 1, MaxRefusals = 50 });
        for (uint id = 1; id < 110 && !pair.Gateway.IsOver; id += 2)
        {
            pair.Gateway.Receive(VectorFrame.Encode($"OPEN id={id} to=192.0.2.7:443"), pair.Now);
        }

        Assert.Equal(VshpReason.LimitReached, pair.Gateway.EndReason);
        Assert.Equal("END", VectorFrame.Decode(pair.Send(pair.Gateway)).Split(' ')[0]);
    }
}
