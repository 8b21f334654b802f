using System;
using System.Linq;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>A session outlives its transports, and says so honestly when it cannot.</summary>
public sealed class ResumeTests
{
    [Fact]
    public void WhatWasLostOnTheWireComesAgainAndNothingTwice()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        VshpStream far = SessionPair.Far(stream);
        SessionPair.Write(stream, "one "u8);
        pair.Gateway.Receive(pair.Send(pair.Device), pair.Now); // arrives, but nobody says so
        SessionPair.Write(stream, "two "u8);
        pair.Send(pair.Device); // lost
        SessionPair.Write(far, "back "u8);
        pair.Send(pair.Gateway); // lost
        pair.Cut();
        SessionPair.Write(stream, "three"u8);
        pair.Now += 60_000_000;
        pair.Connect();
        Assert.Equal("one two three"u8, SessionPair.Read(far));
        Assert.Equal("back "u8, SessionPair.Read(stream));
        Assert.Equal(1, pair.Device.Counters.Resumes);
        Assert.Equal(1, pair.Gateway.Counters.Resumes);
    }

    [Fact]
    public void HalfAFrameIsForgottenAndComesWhole()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, "whole"u8);
        byte[] bytes = pair.Send(pair.Device);
        for (int cut = 1; cut < bytes.Length; cut++)
        {
            pair.Gateway.Receive(bytes.AsSpan(0, cut), pair.Now);
            pair.Cut();
            pair.Device.Attach(pair.Ticket(), pair.Now);
            byte[] resume = pair.Send(pair.Device);
            pair.ResumeAtGateway(resume);
            pair.Device.Receive(pair.Send(pair.Gateway), pair.Now);
            bytes = pair.Send(pair.Device);
            cut = Math.Min(cut, bytes.Length - 1);
            if (cut > 20)
            {
                break;
            }
        }

        pair.Gateway.Receive(bytes, pair.Now);
        Assert.Equal("whole"u8, SessionPair.Read(SessionPair.Far(stream)));
    }

    [Fact]
    public void OpensAnswersEndsAndQuestionsSurviveToo()
    {
        using SessionPair pair = new();
        SessionPair.Clear(pair.Device);
        SessionPair.Clear(pair.Gateway);
        VshpStream stream = pair.Device.Open(SessionPair.Web, pair.Now)!;
        VshpQuestion question = pair.Device.Ask(new byte[12])!;
        stream.Finish();
        pair.Send(pair.Device);
        pair.Cut();
        pair.Connect();
        SessionPair.Clear(pair.Device);
        Assert.Equal(SessionEventKind.Resumed, SessionPair.Next(pair.Gateway).Kind);
        VshpStream far = SessionPair.Next(pair.Gateway).Stream!;
        Assert.Equal(SessionEventKind.Readable, SessionPair.Next(pair.Gateway).Kind);
        VshpQuestion asked = SessionPair.Next(pair.Gateway).Question!;
        Assert.True(far.ReceiveFinished);
        far.Accept();
        asked.Answer(new byte[20]);
        pair.Send(pair.Gateway);
        pair.Cut();
        pair.Connect();
        Assert.Equal(20, question.Message.Length);
        Assert.False(stream.IsOver);
        question.Release();
    }

    [Fact]
    public void DatagramsAreNotSentAgain()
    {
        using SessionPair pair = new();
        VshpAssociation association = pair.Device.Associate()!;
        pair.Carry();
        association.Send(SessionPair.Web, "once"u8);
        pair.Send(pair.Device);
        pair.Cut();
        association.Send(SessionPair.Web, "while away"u8);
        Assert.Equal(1, pair.Device.Counters.DatagramsDropped);
        pair.Connect();
        Assert.Equal(0, pair.Gateway.Counters.DatagramsReceived);
        association.Release(VshpReason.Cancelled);
    }

    [Fact]
    public void TheSameResumeMayBeSaidAgainUntilItsAnswerHasArrived()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Cut();
        pair.Device.Attach(pair.Ticket(), pair.Now);
        pair.ResumeAtGateway(pair.Send(pair.Device));
        pair.Send(pair.Gateway); // RESUMED is lost
        pair.Cut();
        pair.Connect();
        Assert.True(pair.Device.IsAttached);
        Assert.False(stream.IsOver);
    }

    [Fact]
    public void ATicketIsUsedOnceAndAClonedOneIsTold()
    {
        ResumeTable<string> table = new(2);
        Bytes32[] tickets = [.. Enumerable.Range(1, 9).Select(static i => new Bytes32([.. new byte[31], (byte)i]))];
        bool heard = false;
        VshpReason Take(int ticket, int next, string device = "device") =>
            table.TryTake(new Resume(1, tickets[ticket], tickets[next], 0), device, _ => heard, out _);
        Assert.True(table.TryAdd(tickets[0], "device", "session"));
        Assert.False(table.TryAdd(tickets[0], "device", "again"));
        Assert.False(table.TryAdd(default, "device", "none"));
        Assert.Equal(VshpReason.TicketUnknown, Take(0, 1, "another"));
        Assert.Equal(VshpReason.TicketUnknown, Take(5, 6));
        Assert.Equal(VshpReason.None, Take(0, 1));
        Assert.Equal(VshpReason.None, Take(0, 1)); // the answer was lost
        Assert.Equal(VshpReason.TicketUsed, Take(0, 2)); // a clone, which does not know the next one
        heard = true;
        Assert.Equal(VshpReason.TicketUsed, Take(0, 1)); // a replay
        Assert.Equal(VshpReason.TicketUsed, Take(1, 0)); // nothing new as the next
        Assert.Equal(VshpReason.None, Take(1, 3));
        Assert.True(table.TryAdd(tickets[4], "device", "second"));
        Assert.False(table.TryAdd(tickets[5], "device", "one too many"));
        table.Remove("session");
        Assert.Equal(VshpReason.TicketUnknown, Take(3, 6));
        Assert.Equal(1, table.Count);
    }

    [Theory]
    [InlineData(7, false)]
    [InlineData(8, true)]
    public void AGatewayThatDoesNotKnowTheTicketEndsTheSession(ulong instance, bool restarted)
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Cut();
        pair.Device.Attach(pair.Ticket(), pair.Now);
        pair.Send(pair.Device);
        pair.Device.Receive(VectorFrame.Encode($"GONE reason=TicketUnknown instance={instance}"), pair.Now);
        Assert.True(stream.IsOver);
        Assert.Equal(VshpReason.TicketUnknown, stream.CloseReason);
        Assert.Equal(restarted, pair.Device.GatewayRestarted);
        Assert.True(pair.Device.Transmit(pair.Now).IsEmpty);
    }

    [Fact]
    public void ASessionWithoutATransportIsOverAfterItsTime()
    {
        using SessionPair pair = new(gateway: new VshpOptions { ResumeWindow = 30_000_000 });
        VshpStream stream = pair.OpenAccepted();
        pair.Cut();
        Assert.Equal(30_000_000, pair.Device.ResumeWindow);
        Assert.Equal("Resume", pair.Device.NextDeadlineReason);
        pair.Pass(29_999_999);
        Assert.False(stream.IsOver);
        pair.Pass(1);
        Assert.Equal(VshpReason.SessionLost, stream.CloseReason);
        Assert.Equal(VshpReason.SessionLost, pair.Gateway.EndReason);
        Assert.Equal(VshpReason.SessionLost, SessionPair.Far(stream).CloseReason);
    }

    [Fact]
    public void WithoutResumingASessionEndsWithItsTransport()
    {
        using SessionPair pair = new(new VshpOptions { Capabilities = VshpCapabilities.Resolve });
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, new byte[100_000]);
        pair.Carry();
        Assert.DoesNotContain(pair.FromGateway, static frame => frame[0] == (byte)FrameType.Ack);
        pair.Cut();
        Assert.Equal(VshpReason.SessionLost, stream.CloseReason);
        Assert.Equal(VshpReason.SessionLost, SessionPair.Far(stream).CloseReason);
    }

    [Fact]
    public void TheNewTransportTakesOverFromOneThatStillLooksAlive()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Device.Detach(pair.Now); // the gateway has not noticed
        SessionPair.Write(stream, "moved"u8);
        pair.Connect();
        Assert.Equal("moved"u8, SessionPair.Read(SessionPair.Far(stream)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void ResumingFromWhereTheOtherCannotBeIsAViolation(int by)
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(SessionPair.Far(stream), "down"u8);
        pair.Carry();
        pair.Pass(2_000_000); // all is acknowledged
        pair.Cut();
        pair.Device.Attach(pair.Ticket(), pair.Now);
        Assert.Equal(FirstFrameKind.Resume, FirstFrame.Read(pair.Send(pair.Device), out FirstFrame first));
        pair.Gateway.Reattach(first.Resume with { Received = first.Resume.Received + by }, pair.Now);
        Assert.Equal(VshpReason.Protocol, pair.Gateway.EndReason);
        Assert.StartsWith("END", VectorFrame.Decode(pair.Send(pair.Gateway)), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsKeptIsBoundedAndTheSenderWaits()
    {
        VshpOptions wide = new() { StreamWindow = 4 << 20, SessionWindow = 4 << 20 };
        using SessionPair pair = new(new VshpOptions { MaxUnacknowledged = 200_000 }, wide);
        VshpStream stream = pair.OpenAccepted();
        long sent = 0;
        for (int i = 0; i < 50; i++)
        {
            SessionPair.Write(stream, new byte[100_000]);
            sent += pair.Send(pair.Device).Length; // nothing of it is acknowledged
        }

        Assert.InRange(sent, 190_000, 200_000 + VshpSession.TransmitBudget);
        Assert.True(pair.Pool.Outstanding * (long)PacketPool.SmallSize < 4_000_000, "memory is bounded with it");
    }

    [Fact]
    public void SmallFramesAreBoundedToo()
    {
        VshpOptions wide = new() { StreamWindow = 4 << 20, SessionWindow = 4 << 20 };
        using SessionPair pair = new(new VshpOptions { MaxUnacknowledged = 100_000 }, wide);
        VshpStream stream = pair.OpenAccepted();
        int frames = 0;
        while (frames < 100_000)
        {
            SessionPair.Write(stream, "k"u8);
            if (pair.Send(pair.Device).Length == 0)
            {
                break;
            }

            frames++;
        }

        Assert.InRange(frames, 1_000, 100_000 / FrameLog.FrameCharge);
    }

    [Fact]
    public void BlocksThatAreMostlyEmptyAreNotKept()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        for (int i = 0; i < 40; i++)
        {
            stream.GetMemory();
            stream.Advance(i == 0 ? 0 : 2_048);
            pair.Send(pair.Device); // and nothing of it is acknowledged
        }

        Assert.InRange(pair.Pool.Outstanding, 1, 10);
    }

    [Fact]
    public void AMemoryIsNotGivenBackWhileTheTransportReadsIt()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        pair.Pass(2_000_000);
        int before = pair.Pool.Outstanding;
        SessionPair.Write(stream, new byte[60_000]);
        Assert.False(pair.Device.Transmit(pair.Now).IsEmpty); // and the transport is slow
        int held = pair.Pool.Outstanding;
        Assert.True(held > before);
        pair.Device.Receive(VectorFrame.Encode($"ACK received={pair.Device.SequenceHanded}"), pair.Now);
        Assert.False(pair.Device.IsOver);
        Assert.Equal(held, pair.Pool.Outstanding);
        pair.Device.Transmitted(pair.Now);
        Assert.True(pair.Pool.Outstanding < held);
    }
}
