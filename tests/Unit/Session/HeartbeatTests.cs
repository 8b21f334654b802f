using System.Linq;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>Signs of life: few when nothing happens, and soon when something should have.</summary>
public sealed class HeartbeatTests
{
    [Fact]
    public void AnIdleSessionIsNearlySilent()
    {
        using SessionPair pair = new();
        pair.Pass(5_000_000);
        long before = pair.Device.Counters.FramesReceived + pair.Gateway.Counters.FramesReceived;
        pair.Pass(3_600_000_000);
        Assert.InRange(pair.Device.Counters.FramesReceived + pair.Gateway.Counters.FramesReceived - before, 22, 26);
    }

    [Fact]
    public void WhatIsSentWithoutAnAnswerMakesAPingAndThenTheTransportSilent()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Pass(3_000_000);
        SessionPair.Write(stream, "anyone there?"u8);
        pair.Send(pair.Device); // lost
        Assert.Equal("Heartbeat", pair.Device.NextDeadlineReason);
        Assert.Equal(pair.Now + 5_000_000, pair.Device.NextDeadline);
        pair.Now += 5_000_000;
        pair.Device.Advance(pair.Now);
        Assert.StartsWith("PING", VectorFrame.Decode(pair.Send(pair.Device)), System.StringComparison.Ordinal);
        Assert.Equal("Silence", pair.Device.NextDeadlineReason);
        pair.Now += 10_000_000;
        pair.Device.Advance(pair.Now);
        Assert.Equal(SessionEventKind.TransportSilent, SessionPair.Next(pair.Device).Kind);
        pair.Cut();
        pair.Connect();
        Assert.Equal("anyone there?"u8, SessionPair.Read(SessionPair.Far(stream)));
    }

    [Fact]
    public void ADeviceThatOnlyListensNoticesSilenceToo()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Pass(10_000_000);
        SessionPair.Write(SessionPair.Far(stream), "the first of many"u8);
        pair.Device.Receive(pair.Send(pair.Gateway), pair.Now);
        pair.Now += 5_000_000;
        pair.Device.Advance(pair.Now); // and nothing comes any more
        Assert.Equal((byte)FrameType.Ping, pair.Send(pair.Device)[0]);
        pair.Now += 10_000_000;
        pair.Device.Advance(pair.Now);
        Assert.Equal(SessionEventKind.TransportSilent, Silent(pair));
        pair.Cut();
        pair.Connect();

        static SessionEventKind Silent(SessionPair pair)
        {
            SessionEventKind kind;
            while ((kind = SessionPair.Next(pair.Device).Kind) == SessionEventKind.Readable)
            {
                // What had come.
            }

            return kind;
        }
    }

    [Fact]
    public void APauseIsAskedAboutOnceAndThenBelieved()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Pass(10_000_000);
        SessionPair.Write(SessionPair.Far(stream), "x"u8);
        pair.Pass(10_000_000);
        long before = pair.Device.Counters.FramesReceived + pair.Gateway.Counters.FramesReceived;
        pair.Pass(200_000_000);
        Assert.Equal(before, pair.Device.Counters.FramesReceived + pair.Gateway.Counters.FramesReceived);
    }

    [Fact]
    public void APongTellsTheRoundTrip()
    {
        using SessionPair pair = new();
        SessionPair.Clear(pair.Device);
        pair.Device.Probe(pair.Now);
        byte[] ping = pair.Send(pair.Device);
        pair.Device.Receive(VectorFrame.Encode("UNKNOWN type=255 id=0 flags=0 bytes="), pair.Now);
        Assert.False(pair.Device.TryNextEvent(out _)); // something came, but no answer
        pair.Gateway.Receive(ping, pair.Now);
        pair.Now += 30_000;
        pair.Device.Receive(pair.Send(pair.Gateway), pair.Now);
        Assert.True(pair.Device.TryNextEvent(out SessionEvent answered));
        Assert.Equal((SessionEventKind.Pong, 30_000u), (answered.Kind, answered.Number));
    }

    [Fact]
    public void AnythingHeardIsASignOfLife()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Pass(10_000_000);
        SessionPair.Write(stream, "x"u8);
        pair.Send(pair.Device);
        pair.Now += 4_999_999;
        pair.Device.Receive(VectorFrame.Encode("UNKNOWN type=255 id=0 flags=0 bytes="), pair.Now);
        Assert.True(pair.Device.NextDeadline > pair.Now + 100_000_000);
    }

    [Fact]
    public void TheRoundTripIsMeasuredFromTheStart()
    {
        using SessionPair pair = new(connected: false);
        new SlowWire(pair, 30_000).OpenAccepted();
        Assert.InRange(pair.Gateway.RoundTrip, 60_000, 61_000);
        Assert.InRange(pair.Device.RoundTrip, 60_000, 61_000);
    }

    [Fact]
    public void OfManyPingsTheLastIsAnswered()
    {
        using SessionPair pair = new();
        for (int i = 0; i < 1_000; i++)
        {
            pair.Gateway.Receive(VectorFrame.Encode($"PING number={i}"), pair.Now);
        }

        Assert.Equal("PONG number=999", VectorFrame.Decode(pair.Send(pair.Gateway)));
    }

    [Fact]
    public void APongThatWasNotAskedForMeansNothing()
    {
        using SessionPair pair = new();
        pair.Device.Probe(pair.Now);
        pair.Send(pair.Device);
        long before = pair.Device.RoundTrip;
        pair.Now += 1;
        pair.Device.Receive(VectorFrame.Encode("PONG number=5"), pair.Now);
        Assert.Equal("Silence", pair.Device.NextDeadlineReason);
        Assert.Equal(before, pair.Device.RoundTrip);
    }

    [Fact]
    public void LittleIsAcknowledgedLaterAndMuchAtOnce()
    {
        using SessionPair pair = new(gateway: new VshpOptions { StreamWindow = 1 << 20, SessionWindow = 1 << 20 });
        VshpStream stream = pair.OpenAccepted();
        pair.Pass(10_000_000);
        SessionPair.Write(stream, "x"u8);
        pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
        Assert.Empty(pair.Send(pair.Gateway));
        Assert.Equal("Ack", pair.Gateway.NextDeadlineReason);
        Assert.Equal(pair.Now + 1_000_000, pair.Gateway.NextDeadline);
        pair.Now += 1_000_000;
        pair.Gateway.Advance(pair.Now);
        Assert.StartsWith("ACK", VectorFrame.Decode(pair.Send(pair.Gateway)), System.StringComparison.Ordinal);

        SessionPair.Write(stream, new byte[200_000]);
        while (pair.Send(pair.Device) is { Length: > 0 } bytes)
        {
            pair.Gateway.Receive(bytes, pair.Now);
        }

        Assert.Empty(pair.Send(pair.Gateway));
        SessionPair.Write(stream, new byte[70_000]);
        pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
        pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
        Assert.StartsWith("ACK", VectorFrame.Decode(pair.Send(pair.Gateway)), System.StringComparison.Ordinal);
    }

    [Fact]
    public void AnAcknowledgmentRidesAlong()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Pass(3_000_000);
        SessionPair.Write(stream, "key"u8);
        pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
        SessionPair.Write(SessionPair.Far(stream), "echo"u8);
        pair.Carry();
        Assert.Contains(pair.FromGateway, static frame => frame[0] == (byte)FrameType.Ack);
        Assert.NotEqual("Ack", pair.Gateway.NextDeadlineReason);
    }

    [Fact]
    public void FiguresAreAskedForAndAnswered()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, new byte[1_000]);
        pair.Pass(9_000_000);
        pair.Device.AskStats();
        pair.Carry();
        SessionEvent[] events = [.. Enumerable.Range(0, 9).Select(_ => pair.Device.TryNextEvent(out SessionEvent e) ? e : default)];
        Assert.Contains(events, static e => e.Kind == SessionEventKind.Stats);
        Assert.Equal(1_000, pair.Device.PeerStats.BytesReceived);
        Assert.Equal(1, pair.Device.PeerStats.Open);
        Assert.Equal(1, pair.Device.PeerStats.Opened);
        Assert.Equal(9, pair.Device.PeerStats.Seconds);
        Assert.Equal(1_000, pair.Gateway.PeerStats.BytesSent);
        Assert.Single(pair.FromDevice, static frame => frame[0] == (byte)FrameType.Stats);
    }
}
