using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

public sealed class OpeningTests
{
    [Fact]
    public void SynIsAnsweredOnlyWhenTheExitHasConnected()
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
        Assert.Equal(peer.Local, flow.Source);
        Assert.Equal(peer.Remote, flow.Destination);
        Assert.Null(peer.TryNext());
        Assert.Equal(long.MaxValue, peer.Stack.NextDeadline);
        flow.Accept(peer.Now);
        Segment answer = peer.Next();
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, answer.Flags);
        Assert.Equal(peer.Sequence, answer.Acknowledgment);
        flow.Release(peer.Now);
        peer.All();
    }

    [Fact]
    public void RepeatedSynWhileOpeningIsIgnored()
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        peer.Event(StackEventKind.TcpOpening);
        peer.Sequence--;
        peer.SendSyn();
        peer.NoEvent();
        Assert.Null(peer.TryNext());
    }

    [Fact]
    public void SynWithAnotherSequenceBeginsAnew()
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        TcpFlow first = peer.Event(StackEventKind.TcpOpening).Tcp!;
        peer.Sequence = 900_000;
        peer.SendSyn();
        Assert.Same(first, peer.Event(StackEventKind.TcpClosed).Tcp);
        TcpFlow second = peer.Event(StackEventKind.TcpOpening).Tcp!;
        first.Accept(peer.Now); // too late, and harmless
        first.Release(peer.Now);
        second.Accept(peer.Now);
        Assert.Equal(900_001u, peer.Next().Acknowledgment);
        second.Release(peer.Now);
    }

    [Fact]
    public void SynsThatChangeTheirMindsMakeNoPileOfEvents()
    {
        using ScriptedPeer peer = new();
        for (uint i = 0; i < 100; i++)
        {
            peer.Sequence = i * 5000;
            peer.SendSyn();
        }

        TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
        peer.NoEvent();
        flow.Accept(peer.Now);
        Assert.Equal(peer.Sequence, peer.Next().Acknowledgment);
        flow.Release(peer.Now);
    }

    [Fact]
    public void RefusedIsAReset()
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        peer.Event(StackEventKind.TcpOpening).Tcp!.Refuse(Refusal.Refused, peer.Now);
        Segment reset = peer.Next();
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, reset.Flags);
        Assert.Equal(0u, reset.Sequence);
        Assert.Equal(peer.Sequence, reset.Acknowledgment);
        peer.NoEvent();
        Assert.Equal(0, peer.Stack.TcpFlowCount);
    }

    [Theory]
    [InlineData(Refusal.HostUnreachable, false, IcmpType.Unreachable, 1)]
    [InlineData(Refusal.NetworkUnreachable, false, IcmpType.Unreachable, 0)]
    [InlineData(Refusal.Prohibited, false, IcmpType.Unreachable, 13)]
    [InlineData(Refusal.HostUnreachable, true, IcmpType.UnreachableV6, 3)]
    [InlineData(Refusal.NetworkUnreachable, true, IcmpType.UnreachableV6, 0)]
    [InlineData(Refusal.Prohibited, true, IcmpType.UnreachableV6, 1)]
    public void UnreachableIsAnIcmpErrorThatQuotesTheSyn(Refusal refusal, bool v6, byte type, byte code)
    {
        using ScriptedPeer peer = new(v6: v6);
        peer.SendSyn();
        peer.Event(StackEventKind.TcpOpening).Tcp!.Refuse(refusal, peer.Now);
        Segment error = peer.Next();
        Assert.Equal(type, error.Payload[0]);
        Assert.Equal(code, error.Payload[1]);
        Assert.Equal(peer.Local.Address, error.Ip.Destination);
        byte[] quote = error.Payload[8..];
        Assert.True(IpHeader.TryParse(quote, out IpHeader ip));
        Assert.Equal(peer.Local.Address, ip.Source);
        Assert.Equal(peer.Remote.Address, ip.Destination);
        Assert.True(TcpHeader.TryParse(quote.AsSpan(ip.HeaderLength), out TcpHeader tcp));
        Assert.Equal((peer.Local.Port, peer.Remote.Port, peer.Sequence - 1), (tcp.SourcePort, tcp.DestinationPort, tcp.Sequence));
        Assert.Null(peer.TryNext());
    }

    [Fact]
    public void SilentRefusalSendsNothing()
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        peer.Event(StackEventKind.TcpOpening).Tcp!.Refuse(Refusal.Silent, peer.Now);
        Assert.Null(peer.TryNext());
        Assert.Equal(0, peer.Stack.TcpFlowCount);
    }

    [Theory]
    [InlineData(TcpFlags.Rst)]
    [InlineData(TcpFlags.Fin | TcpFlags.Ack)]
    internal void ApplicationThatGivesUpWhileOpeningClosesTheFlow(TcpFlags flags)
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
        peer.Send(flags);
        Assert.Same(flow, peer.Event(StackEventKind.TcpClosed).Tcp);
        Assert.Equal(TcpCloseReason.PeerReset, flow.CloseReason);
        flow.Accept(peer.Now);
        Assert.Null(peer.TryNext());
        flow.Release(peer.Now);
    }

    [Fact]
    public void SynBeyondMaxOpeningIsDroppedUntilAnotherIsDecided()
    {
        using ScriptedPeer peer = new(new StackOptions { MaxOpening = 1 });
        peer.SendSyn();
        TcpFlow first = peer.Event(StackEventKind.TcpOpening).Tcp!;
        peer.Local = peer.Local with { Port = 40001 };
        peer.SendSyn();
        peer.NoEvent();
        Assert.Null(peer.TryNext());
        first.Refuse(Refusal.Silent, peer.Now);
        peer.SendSyn();
        peer.Event(StackEventKind.TcpOpening);
    }

    [Fact]
    public void SynBeyondMaxFlowsIsReset()
    {
        using ScriptedPeer peer = new(new StackOptions { MaxTcpFlows = 1 });
        TcpFlow flow = peer.Connect();
        peer.Local = peer.Local with { Port = 40001 };
        peer.SendSyn();
        peer.NoEvent();
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, peer.Next().Flags);
        flow.Release(peer.Now);
    }

    [Fact]
    public void AnswerToSynOffersOnlyWhatTheSynOffered()
    {
        using ScriptedPeer plain = new(sacks: false);
        plain.SendSyn(windowScale: null);
        plain.Event(StackEventKind.TcpOpening).Tcp!.Accept(plain.Now);
        Segment answer = plain.Next();
        Assert.Equal((1460, false, false, false), (answer.Tcp.Mss, answer.Tcp.HasWindowScale, answer.Tcp.SackPermitted, answer.Tcp.HasTimestamp));

        using ScriptedPeer full = new(timestamps: true, v6: true);
        full.SendSyn();
        full.Event(StackEventKind.TcpOpening).Tcp!.Accept(full.Now);
        answer = full.Next();
        Assert.Equal((1440, true, true, true), (answer.Tcp.Mss, answer.Tcp.HasWindowScale, answer.Tcp.SackPermitted, answer.Tcp.HasTimestamp));
        Assert.Equal(full.TimestampNow, answer.Tcp.TimestampEcho);
        Assert.Equal(5, answer.Tcp.WindowScale); // a megabyte in 16 bits
    }

    [Fact]
    public void AnswerToSynIsRepeatedAndGivenUp()
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
        flow.Accept(peer.Now);
        peer.Next();
        List<long> waits = [];
        for (int i = 0; i < 5; i++)
        {
            waits.Add(peer.Due("Handshake"));
            Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, peer.Next().Flags);
        }

        Assert.Equal([1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000], waits);
        peer.Due("Handshake");
        peer.Event(StackEventKind.TcpClosed);
        Assert.Equal(TcpCloseReason.TimedOut, flow.CloseReason);
        flow.Release(peer.Now);
    }

    [Fact]
    public void SynThatComesAgainIsAnsweredAgain()
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
        flow.Accept(peer.Now);
        Segment first = peer.Next();
        peer.Sequence--;
        peer.SendSyn();
        Segment again = peer.Next();
        Assert.Equal((first.Sequence, first.Flags), (again.Sequence, again.Flags));
        flow.Release(peer.Now);
    }

    [Fact]
    public void WrongAcknowledgmentOfTheAnswerIsReset()
    {
        using ScriptedPeer peer = new();
        peer.SendSyn();
        TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
        flow.Accept(peer.Now);
        Segment answer = peer.Next();
        peer.Send(TcpFlags.Ack, acknowledgment: answer.Sequence + 5);
        Segment reset = peer.Next();
        Assert.Equal((TcpFlags.Rst, answer.Sequence + 5), (reset.Flags, reset.Sequence));
        peer.NoEvent();
        flow.Release(peer.Now);
    }

    [Fact]
    public void DataOnSynIsIgnored()
    {
        using ScriptedPeer peer = new();
        peer.Send(new TcpHeader { SourcePort = peer.Local.Port, DestinationPort = peer.Remote.Port, Sequence = 1000, Flags = TcpFlags.Syn, Window = 1000 }, [1, 2, 3]);
        TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
        flow.Accept(peer.Now);
        Assert.Equal(1001u, peer.Next().Acknowledgment);
        Assert.True(flow.Received.IsEmpty);
        flow.Release(peer.Now);
    }

    [Fact]
    public void InitialSequenceNumbersDifferByTupleAndRiseWithTime()
    {
        using ScriptedPeer peer = new();
        uint first = Answer(peer);
        peer.Now += 4_000;
        uint later = Answer(peer);
        Assert.Equal(1_000u, later - first);
        peer.Local = peer.Local with { Port = 40001 };
        Assert.NotEqual(later, Answer(peer));

        static uint Answer(ScriptedPeer peer)
        {
            peer.SendSyn();
            TcpFlow flow = peer.Event(StackEventKind.TcpOpening).Tcp!;
            flow.Accept(peer.Now);
            uint sequence = peer.Next().Sequence;
            flow.Release(peer.Now);
            peer.All();
            return sequence;
        }
    }

    [Fact]
    public void SegmentOfNoConnectionIsReset()
    {
        using ScriptedPeer peer = new();
        peer.Send(TcpFlags.Ack, acknowledgment: 4711);
        Segment reset = peer.Next();
        Assert.Equal((TcpFlags.Rst, 4711u), (reset.Flags, reset.Sequence));
        peer.Send(TcpFlags.Fin, [1, 2]);
        reset = peer.Next();
        Assert.Equal((TcpFlags.Rst | TcpFlags.Ack, 1003u), (reset.Flags, reset.Acknowledgment));
        peer.Send(TcpFlags.Rst);
        Assert.Null(peer.TryNext());
    }
}
