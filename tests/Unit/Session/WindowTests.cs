using System;
using System.Linq;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>Windows bound what is unread, grow to what the path holds, and starve nobody.</summary>
public sealed class WindowTests
{
    [Fact]
    public void AStreamSendsNoMoreThanItsWindow()
    {
        using SessionPair pair = new(gateway: new VshpOptions { StreamWindow = 10_000 });
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, new byte[50_000]);
        pair.Carry();
        Assert.Equal(10_000, SessionPair.Far(stream).Received.Length);
        pair.Now += 1_000_000; // too long for the window to grow
        SessionPair.Far(stream).Consume(10_000);
        pair.Carry();
        Assert.Equal(10_000, SessionPair.Far(stream).Received.Length);
    }

    [Fact]
    public void AllStreamsSendNoMoreThanTheSessionsWindow()
    {
        using SessionPair pair = new(gateway: new VshpOptions { SessionWindow = 100_000, MaxSessionWindow = 100_000 });
        VshpStream[] streams = [pair.OpenAccepted(), pair.OpenAccepted(), pair.OpenAccepted()];
        foreach (VshpStream stream in streams)
        {
            SessionPair.Write(stream, new byte[60_000]);
        }

        pair.Carry();
        Assert.Equal(100_000, streams.Sum(static s => SessionPair.Far(s).Received.Length));
    }

    [Theory]
    [InlineData("a stream's", 10_000, 1_000_000, 10_001)]
    [InlineData("the session's", 60_000, 16_384, 16_385)]
    public void DataBeyondAWindowIsAViolation(string whose, int stream, int session, int bytes)
    {
        using SessionPair pair = new(gateway: new VshpOptions { StreamWindow = stream, SessionWindow = session });
        VshpStream opened = pair.OpenAccepted();
        pair.Gateway.Receive(VectorFrame.Frame(FrameType.Data, 0, opened.Id, new byte[bytes - 1]), pair.Now);
        Assert.False(pair.Gateway.IsOver);
        pair.Gateway.Receive(VectorFrame.Frame(FrameType.Data, 0, opened.Id, new byte[1]), pair.Now);
        Assert.Equal(VshpReason.FlowControl, pair.Gateway.EndReason);
        Assert.Contains(whose, pair.Gateway.EndText, StringComparison.Ordinal);
    }

    [Fact]
    public void DataForStreamsThatAreOverCountsInTheSessionsWindow()
    {
        using SessionPair pair = new(gateway: new VshpOptions { SessionWindow = 16_384, MaxSessionWindow = 16_384 });
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Far(stream).Reset(VshpReason.Reset);
        SessionPair.Far(stream).Release();
        pair.Gateway.Receive(VectorFrame.Frame(FrameType.Data, 0, stream.Id, new byte[16_384]), pair.Now);
        Assert.False(pair.Gateway.IsOver);
        pair.Gateway.Receive(VectorFrame.Frame(FrameType.Data, 0, stream.Id, new byte[1]), pair.Now);
        Assert.Equal(VshpReason.FlowControl, pair.Gateway.EndReason);
    }

    [Fact]
    public void ALowerLimitChangesNothing()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Device.Receive(VectorFrame.Encode($"WINDOW id={stream.Id} limit=5"), pair.Now);
        pair.Device.Receive(VectorFrame.Encode("WINDOW id=0 limit=5"), pair.Now);
        SessionPair.Write(stream, new byte[100]);
        pair.Carry();
        Assert.Equal(100, SessionPair.Far(stream).Received.Length);
    }

    [Fact]
    public void AWindowGrowsToWhatThePathHoldsAndNoFurther()
    {
        const int RoundTrip = 40_000;
        using SessionPair pair = new(connected: false);
        SlowWire wire = new(pair, RoundTrip / 2);
        VshpStream stream = wire.OpenAccepted();
        VshpStream far = SessionPair.Far(stream);

        // 50 bytes a microsecond: two million bytes in a round trip, 16 times the first window.
        const int PerMillisecond = 50_000;
        long carried = 0;
        long lastSecond = 0;
        byte[] block = new byte[PerMillisecond];
        for (int millisecond = 0; millisecond < 3_000; millisecond++)
        {
            SessionPair.Write(stream, block);
            wire.Pass(1_000);
            long read = Math.Min(far.Received.Length, PerMillisecond);
            far.Consume(read);
            carried += read;
            lastSecond = millisecond < 2_000 ? carried : lastSecond;
        }

        Assert.InRange(carried - lastSecond, 45_000_000, 50_000_000);
        Assert.InRange(far.WindowSize, 2_000_000, 8 << 20);
    }

    [Fact]
    public void ReadersThatStandStillDoNotStarveTheOthers()
    {
        VshpOptions gateway = new() { StreamWindow = 65_536, SessionWindow = 1 << 20, MaxSessionWindow = 4 << 20, MaxStreamWindow = 4 << 20 };
        using SessionPair pair = new(gateway: gateway);
        VshpStream[] grown = [.. Enumerable.Range(0, 8).Select(_ => pair.OpenAccepted())];
        byte[] block = new byte[200_000];

        // Each is read fast enough for its window to grow, and then no more.
        foreach (VshpStream stream in grown)
        {
            for (int i = 0; i < 200; i++)
            {
                SessionPair.Write(stream, block);
                pair.Now += 10;
                pair.Carry();
                SessionPair.Read(SessionPair.Far(stream));
            }

            for (int i = 0; i < 20; i++)
            {
                SessionPair.Write(stream, block);
                pair.Carry();
            }
        }

        Assert.Contains(grown, static s => SessionPair.Far(s).WindowSize > 65_536);
        Assert.True(grown.Sum(static s => SessionPair.Far(s).WindowSize - 65_536L) <= 2 << 20, "growth is shared");
        VshpStream other = pair.OpenAccepted();
        long got = 0;
        for (int i = 0; i < 100; i++)
        {
            SessionPair.Write(other, block);
            pair.Carry();
            got += SessionPair.Read(SessionPair.Far(other)).Length;
        }

        Assert.True(got > 5_000_000, $"{got} bytes passed those who stand still");
    }

    [Fact]
    public void WhatWasReadIsToldWhenOthersHaveUsedUpTheRest()
    {
        using SessionPair pair = new(gateway: new VshpOptions { SessionWindow = 16_384, MaxSessionWindow = 16_384 });
        VshpStream read = pair.OpenAccepted();
        VshpStream unread = pair.OpenAccepted();
        SessionPair.Write(read, new byte[6_000]);
        pair.Carry();
        SessionPair.Read(SessionPair.Far(read));
        pair.Carry();
        SessionPair.Write(unread, new byte[10_384]); // all that is left
        pair.Carry();
        SessionPair.Write(read, new byte[1_000]);
        pair.Carry();
        Assert.Equal(1_000, SessionPair.Far(read).Received.Length);
    }

    [Fact]
    public void AStreamOverGivesItsGrowthBack()
    {
        VshpOptions gateway = new() { StreamWindow = 65_536, MaxSessionWindow = 1 << 20, MaxStreamWindow = 1 << 20 };
        using SessionPair pair = new(gateway: gateway);
        for (int round = 0; round < 5; round++)
        {
            VshpStream stream = pair.OpenAccepted();
            VshpStream far = SessionPair.Far(stream);
            for (int i = 0; i < 100; i++)
            {
                SessionPair.Write(stream, new byte[100_000]);
                pair.Now += 10;
                pair.Carry();
                SessionPair.Read(far);
            }

            Assert.True(far.WindowSize > 131_072, $"round {round}: {far.WindowSize}");
            stream.Release();
            far.Release();
            pair.Carry();
        }
    }

    [Fact]
    public void ASlowReaderDoesNotTellOfEveryByte()
    {
        using SessionPair pair = new(gateway: new VshpOptions { StreamWindow = 65_536 });
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, new byte[200_000]);
        pair.Carry();
        int told = 0;
        for (int i = 0; i < 10_000; i++)
        {
            SessionPair.Far(stream).Consume(1);
            pair.Carry();
            told += pair.FromGateway.Count(frame => frame[0] == (byte)FrameType.Window && frame[7] == stream.Id);
        }

        Assert.InRange(told, 1, 3);
    }

    [Fact]
    public void AWriterWaitsWhereItsBufferIsFullAndIsToldWhenThereIsRoom()
    {
        using SessionPair pair = new(new VshpOptions { SendBuffer = 100_000 });
        VshpStream stream = pair.OpenAccepted();
        Assert.Equal(100_000, SessionPair.Write(stream, new byte[150_000]));
        Assert.False(pair.Device.TryNextEvent(out _));
        pair.Carry();
        Assert.Equal(SessionEventKind.Writable, SessionPair.Next(pair.Device).Kind);
        Assert.False(stream.GetMemory().IsEmpty);
        stream.Advance(0);
    }

    [Fact]
    public void AllWritersTogetherAreBoundedAndEachMayStillWriteALittle()
    {
        using SessionPair pair = new(new VshpOptions { MaxSendBuffers = 300_000 });
        VshpStream[] streams = [.. Enumerable.Range(0, 10).Select(_ => pair.OpenAccepted())];
        pair.Cut();
        int[] written = [.. streams.Select(static s => SessionPair.Write(s, new byte[250_000]))];
        Assert.InRange(written.Sum(), 300_000, 300_000 + (10 * 70_000));
        Assert.All(written, static w => Assert.True(w > 0));
        pair.Connect();
        pair.Carry();
        Assert.All(streams, static s => Assert.True(s.IsOver || !s.GetMemory().IsEmpty));
        Assert.All(streams, static s => s.Advance(0));
    }
}
