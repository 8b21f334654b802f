using System;
using System.Linq;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>What may be lost: datagrams, pings, packets; and what else is neither stream nor flow: questions and control messages.</summary>
public sealed class DatagramTests
{
    private static readonly VshpOptions All = new() { Capabilities = (VshpCapabilities)0x3F, Instance = 7 };

    [Fact]
    public void DatagramsGoAtOnceAndComeBack()
    {
        using SessionPair pair = Pair();
        VshpAssociation association = pair.Device.Associate()!;
        Assert.True(association.Send(SessionPair.Web, "out"u8));
        pair.Carry();
        VshpAssociation far = SessionPair.Next(pair.Gateway).Association!;
        SessionEvent datagram = SessionPair.Next(pair.Gateway);
        Assert.Equal(SessionEventKind.Datagram, datagram.Kind);
        Assert.Equal(SessionPair.Web, datagram.Destination);
        Assert.Equal("out"u8, datagram.Buffer!.Span);
        datagram.Buffer.Release();
        far.Accept();
        VshpDestination stranger = VectorFrame.Destination("[2001:db8::99]:5000");
        far.Send(stranger, "back"u8);
        far.SendUnreachable(SessionPair.Web);
        pair.Carry();
        Assert.Equal(SessionEventKind.Opened, SessionPair.Next(pair.Device).Kind);
        SessionEvent back = SessionPair.Next(pair.Device);
        Assert.Equal(stranger, back.Destination);
        Assert.Equal("back"u8, back.Buffer!.Span);
        back.Buffer.Release();
        SessionEvent unreachable = SessionPair.Next(pair.Device);
        Assert.Null(unreachable.Buffer);
        Assert.Equal(SessionPair.Web, unreachable.Destination);
        far.Release(VshpReason.Idle);
        pair.Carry();
        Assert.Equal(VshpReason.Idle, association.CloseReason);
        association.Release(VshpReason.Cancelled);
        Assert.Equal(0, pair.Gateway.OpenFlows);
    }

    [Fact]
    public void UnderPressureTheOldestAreDroppedAndNoneWaitForLong()
    {
        using SessionPair pair = Pair();
        VshpAssociation association = pair.Device.Associate()!;
        for (int i = 0; i < 2_000; i++)
        {
            association.Send(SessionPair.Web, BitConverter.GetBytes(i));
        }

        int kept = (1 << 20) / PacketPool.SmallSize;
        Assert.Equal(2_000 - kept, pair.Device.Counters.DatagramsDropped);
        pair.Carry();
        SessionPair.Next(pair.Gateway);
        SessionEvent first = SessionPair.Next(pair.Gateway);
        Assert.Equal(2_000 - kept, BitConverter.ToInt32(first.Buffer!.Span));
        first.Buffer.Release();
    }

    [Fact]
    public void DatagramsNobodyTakesAreDroppedToo()
    {
        using SessionPair pair = Pair();
        VshpAssociation association = pair.Device.Associate()!;
        for (int i = 0; i < 2_000; i++)
        {
            association.Send(SessionPair.Web, "x"u8);
            pair.Carry();
        }

        Assert.Equal(2_000 - ((1 << 20) / PacketPool.SmallSize), pair.Gateway.Counters.DatagramsDropped);
    }

    [Fact]
    public void BulkLeavesRoomForDatagramsAndDatagramsForBulk()
    {
        using SessionPair pair = new(All, All with { StreamWindow = 1 << 20 });
        VshpStream stream = pair.OpenAccepted();
        VshpAssociation association = pair.Device.Associate()!;
        pair.Carry();
        SessionPair.Write(stream, new byte[200_000]);
        for (int i = 0; i < 500; i++)
        {
            association.Send(SessionPair.Web, new byte[1_200]);
        }

        pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
        Assert.InRange(pair.Gateway.Counters.DatagramsReceived, 35, 45);
        Assert.InRange(pair.Gateway.Counters.BytesReceived, 10_000, 40_000);
    }

    [Fact]
    public void ADatagramTooLongForAFrameIsSaidToBe()
    {
        using SessionPair pair = Pair();
        VshpAssociation association = pair.Device.Associate()!;
        Assert.True(association.Send(SessionPair.Web, new byte[65_528]));
        Assert.False(association.Send(SessionPair.Web, new byte[65_529]));
        association.Release(VshpReason.Cancelled);
    }

    [Fact]
    public void WhatIsNotCarriedIsRefused()
    {
        using SessionPair pair = new(All, new VshpOptions { Capabilities = VshpCapabilities.None });
        SessionPair.Clear(pair.Device);
        VshpAssociation association = pair.Device.Associate()!;
        VshpQuestion question = pair.Device.Ask(new byte[12])!;
        VshpStream unix = pair.Device.Open(VshpDestination.ToPath("/run/x"), pair.Now)!;
        pair.Device.SendEcho(5, SessionPair.Web, "ping"u8);
        pair.Device.SendPacket(new byte[20]);
        pair.Carry();
        Assert.All((Numbered[])[association, question, unix], static n => Assert.Equal(VshpReason.NotCarried, n.CloseReason));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(SessionEventKind.Closed, SessionPair.Next(pair.Device).Kind);
        }

        SessionEvent echoed = SessionPair.Next(pair.Device);
        Assert.Equal((SessionEventKind.Echoed, 5u, VshpReason.NotCarried), (echoed.Kind, echoed.Number, echoed.Reason));
        Assert.Null(echoed.Buffer);
        Assert.False(pair.Gateway.TryNextEvent(out SessionEvent ready) && ready.Kind != SessionEventKind.Ready);
        association.Release(VshpReason.Cancelled);
        question.Release();
        unix.Release();
    }

    [Fact]
    public void PingsAndPacketsCome()
    {
        using SessionPair pair = Pair();
        pair.Device.SendEcho(77, SessionPair.Web, "ping"u8);
        pair.Device.SendPacket(new byte[28]);
        Assert.False(pair.Device.SendPacket(new byte[19]));
        pair.Carry();
        SessionEvent echo = SessionPair.Next(pair.Gateway);
        Assert.Equal((SessionEventKind.Echo, 77u, SessionPair.Web), (echo.Kind, echo.Number, echo.Destination));
        pair.Gateway.AnswerEcho(echo.Number, echo.Buffer!.Span);
        echo.Buffer.Release();
        pair.Gateway.RefuseEcho(78, VshpReason.HostUnreachable);
        SessionEvent packet = SessionPair.Next(pair.Gateway);
        Assert.Equal((SessionEventKind.Packet, 28), (packet.Kind, packet.Buffer!.Length));
        packet.Buffer.Release();
        pair.Carry();
        SessionEvent answer = SessionPair.Next(pair.Device);
        Assert.Equal((SessionEventKind.Echoed, 77u), (answer.Kind, answer.Number));
        Assert.Equal("ping"u8, answer.Buffer!.Span);
        answer.Buffer.Release();
        SessionEvent refused = SessionPair.Next(pair.Device);
        Assert.Equal((78u, VshpReason.HostUnreachable), (refused.Number, refused.Reason));
    }

    [Fact]
    public void QuestionsAreAnsweredRefusedAndForgotten()
    {
        using SessionPair pair = Pair();
        VshpQuestion[] questions = [.. Enumerable.Range(12, 3).Select(length => pair.Device.Ask(new byte[length])!)];
        questions[2].Release(); // nobody wants the answer any more
        pair.Carry();
        VshpQuestion[] asked = [.. Enumerable.Range(0, 3).Select(_ => SessionPair.Next(pair.Gateway).Question!)];
        Assert.Equal([12, 13, 14], asked.Select(static q => q.Message.Length));
        asked[1].Refuse(VshpReason.TimedOut);
        asked[0].Answer(new byte[65_535]);
        asked[2].Answer(new byte[12]);
        pair.Carry();
        Assert.Equal(65_535, questions[0].Message.Length);
        Assert.Equal(VshpReason.None, questions[0].CloseReason);
        Assert.Equal(VshpReason.TimedOut, questions[1].CloseReason);
        questions[0].Release();
        questions[1].Release();
    }

    [Fact]
    public void QuestionsUnansweredAreBounded()
    {
        using SessionPair pair = new(All, All with { MaxExchanges = 3 });
        SessionPair.Clear(pair.Gateway);
        VshpQuestion[] questions = [.. Enumerable.Range(0, 3).Select(_ => pair.Device.Ask(new byte[12])!)];
        Assert.Null(pair.Device.Ask(new byte[12]));
        pair.Carry();
        pair.Gateway.Receive(VectorFrame.Encode("RESOLVE id=7 bytes=000000000000000000000000"), pair.Now);
        Assert.Equal("REFUSED id=7 reason=LimitReached", VectorFrame.Decode(pair.Send(pair.Gateway).AsSpan(0, 10)));
        Assert.NotNull(pair.Device.Open(SessionPair.Web, pair.Now));
        foreach (VshpQuestion question in questions)
        {
            question.Release();
        }
    }

    [Fact]
    public void ControlMessagesComeInOrderAndAreBounded()
    {
        using SessionPair pair = Pair();
        for (int i = 0; i < 100; i++)
        {
            Assert.True(pair.Device.SendControl((ushort)(0x8000 + i), [(byte)i]));
        }

        pair.Carry();
        for (int i = 0; i < 100; i++)
        {
            SessionEvent control = SessionPair.Next(pair.Gateway);
            Assert.Equal((SessionEventKind.Control, (uint)(0x8000 + i), i), (control.Kind, control.Number, control.Buffer!.Span[0]));
            control.Buffer.Release();
        }

        int sent = 0;
        while (pair.Device.SendControl(0x8000, "x"u8))
        {
            sent++;
        }

        Assert.Equal((1 << 20) / PacketPool.SmallSize, sent);
        pair.Carry();
        Assert.False(pair.Gateway.IsOver);
        pair.Device.SendControl(0x8000, "one more than is read"u8);
        pair.Carry();
        Assert.Equal(VshpReason.LimitReached, pair.Gateway.EndReason);
    }

    private static SessionPair Pair()
    {
        SessionPair pair = new(All, All);
        SessionPair.Clear(pair.Device);
        SessionPair.Clear(pair.Gateway);
        return pair;
    }
}
