using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Wire;
using Xunit;

namespace Culvert.Tests.Simulation.Rules;

/// <summary>Segments that a blind attacker could have forged: RFC 5961, and PAWS of RFC 7323.</summary>
public sealed class BlindAttacks
{
    [Fact]
    public void AResetAtTheEdgeOfTheWindowEndsTheConnection()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Rst, 0, 0);
        script.Nothing();
        Assert.Contains(StackEventKind.TcpClosed, script.Events);
        Assert.Equal(TcpCloseReason.PeerReset, script.Flow!.CloseReason);
    }

    [Fact]
    public void AResetElsewhereInTheWindowIsChallenged()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Rst, 1, 0);
        script.NextAck(0);
        script.Run(10_000_000); // challenges are rare by intent
        script.Send(Bits.Rst, 5_000, 0);
        script.NextAck(0);
        Assert.DoesNotContain(StackEventKind.TcpClosed, script.Events);
    }

    [Fact]
    public void AResetOutsideTheWindowIsIgnored()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Rst, -1, 0);
        script.Send(Bits.Rst, 1 << 24, 0);
        script.Nothing();
        Assert.DoesNotContain(StackEventKind.TcpClosed, script.Events);
    }

    [Fact]
    public void ASynInAnOpenConnectionIsChallenged()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Syn, 100, 0);
        script.NextAck(0);
        script.Run(10_000_000);
        script.Send(Bits.Syn, -1, 0);
        script.NextAck(0);
        Assert.DoesNotContain(StackEventKind.TcpClosed, script.Events);
    }

    [Fact]
    public void AnAcknowledgmentOfTheFutureIsChallengedAndItsDataDropped()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Ack, 0, 1, length: 10);
        script.NextAck(0);
        Assert.True(script.Flow!.Received.IsEmpty);
    }

    [Fact]
    public void AnAcknowledgmentOfTheDistantPastIsChallengedAndItsDataDropped()
    {
        PacketScript script = new();
        script.Open();
        script.Send(Bits.Ack, 0, -1_000_000_000, length: 10); // RFC 5961 section 5.2
        script.NextAck(0);
        Assert.True(script.Flow!.Received.IsEmpty);
    }

    [Fact]
    public void ChallengesAreLimited()
    {
        PacketScript script = new();
        script.Open();
        for (int i = 0; i < 10_000; i++)
        {
            script.Send(Bits.Syn, 100, 0);
        }

        Assert.InRange(script.Drain(), 1, 1_000); // RFC 5961 section 7
    }

    [Fact]
    public void AnOldTimestampIsAcknowledgedAndItsDataDropped()
    {
        PacketScript script = new();
        script.Open(timestamps: true);
        script.PeerClock += 10_000;
        script.Send(Bits.Ack, 0, 0, length: 10);
        script.Drain();
        Assert.Equal(10, script.Flow!.Received.Length);
        script.Send(Bits.Ack, 10, 0, length: 10, clock: script.PeerClock - 5_000);
        TcpSegment ack = script.NextAck(10);
        Assert.Equal(script.PeerClock, ack.Timestamp!.Value.Echo);
        Assert.Equal(10, script.Flow!.Received.Length);
    }
}
