using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Wire;
using Xunit;

namespace Culvert.Tests.Simulation.Rules;

/// <summary>
/// A conversation with a stack segment by segment, at exact times: the test is the peer. Sequence and acknowledgment numbers are told relative to the
/// first byte of each side.
/// </summary>
internal sealed class PacketScript
{
    public static readonly IpEndpoint Peer = new(IpAddr.FromV4(0x0A00_0002), 40_000);
    public static readonly IpEndpoint Far = new(IpAddr.FromV4(0xC000_0207), 443);

    private const uint PeerFirst = 0xFFFF_F000; // wraps soon

    private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
    private readonly Queue<(long At, TcpSegment Segment)> _sent = [];

    public PacketScript(StackOptions? options = null)
    {
        byte[] secret = new byte[32];
        Pattern.Fill(secret, 7, 0);
        Stack = new IpStack(options ?? new StackOptions(), secret, Pool);
    }

    public long Now { get; private set; } = 1_000_000_000;

    public PacketPool Pool { get; } = new();

    public IpStack Stack { get; }

    public TcpFlow? Flow { get; private set; }

    public List<StackEventKind> Events { get; } = [];

    public List<IcmpMessage> Errors { get; } = [];

    public uint StackFirst { get; private set; }

    public TcpSegment? SynAck { get; private set; }

    /// <summary>The timestamp the peer sends, when timestamps were agreed on.</summary>
    public uint? PeerClock { get; set; }

    private uint StackClock { get; set; }

    /// <summary>SYN, Accept after <paramref name="roundTrip"/>, SYN-ACK, and the ACK another round trip later.</summary>
    public void Open(bool sack = true, bool timestamps = false, byte? scale = null, ushort window = 65_535, long roundTrip = 100_000, ushort? mss = 1_460)
    {
        PeerClock = timestamps ? 1_000_000 : null;
        Receive(new TcpSegment
        {
            Source = Peer,
            Destination = Far,
            Sequence = PeerFirst - 1,
            Flags = Bits.Syn,
            Window = window,
            Mss = mss,
            SackPermitted = sack,
            Scale = scale,
            Timestamp = timestamps ? (PeerClock!.Value, 0) : null,
        });
        Assert.Empty(_sent);
        Flow!.Accept(Now);
        Collect();
        SynAck = Next();
        Assert.Equal(Bits.Syn | Bits.Ack, SynAck.Flags);
        Assert.Equal(PeerFirst, SynAck.Acknowledgment);
        StackFirst = SynAck.Sequence + 1;
        Run(roundTrip);
        Send(Bits.Ack, 0, 0, window: window);
        Assert.Empty(_sent);
    }

    /// <summary>The peer sends a segment.</summary>
    public void Send(
        Bits flags, long sequence, long acknowledgment, int length = 0, ushort window = 65_535, IReadOnlyList<(uint From, uint To)>? sacks = null, uint? clock = null)
    {
        byte[] payload = new byte[length];
        Pattern.Fill(payload, 1, sequence);
        Receive(new TcpSegment
        {
            Source = Peer,
            Destination = Far,
            Sequence = PeerFirst + (uint)sequence,
            Acknowledgment = (flags & Bits.Ack) != 0 ? StackFirst + (uint)acknowledgment : 0,
            Flags = flags,
            Window = window,
            Sacks = sacks ?? [],
            Timestamp = PeerClock is uint own ? (clock ?? own, StackClock) : null,
            Payload = payload,
        });
    }

    /// <summary>A SACK block told relative to the stack's first byte.</summary>
    public (uint From, uint To) Sack(long from, long to) => (StackFirst + (uint)from, StackFirst + (uint)to);

    public void Receive(TcpSegment segment) => Receive(segment.Build());

    public void Receive(byte[] packet)
    {
        PacketBuffer buffer = Pool.Rent(packet.Length);
        packet.CopyTo(buffer.Array.AsSpan());
        buffer.Length = packet.Length;
        Stack.Receive(buffer, Now);
        Collect();
    }

    /// <summary>The exit sends bytes of the pattern 2.</summary>
    public void Write(int count)
    {
        for (int done = 0; done < count;)
        {
            Memory<byte> room = Flow!.GetMemory();
            Assert.False(room.IsEmpty, "no room to write");
            int take = Math.Min(room.Length, count - done);
            room.Span[..take].Fill(0x55);
            Flow.Advance(take, Now);
            done += take;
        }

        Collect();
    }

    public void Act(Action<TcpFlow, long> action)
    {
        action(Flow!, Now);
        Collect();
    }

    /// <summary>Lets time pass; timers run when they are due.</summary>
    public void Run(long microseconds)
    {
        long end = Now + microseconds;
        for (int steps = 0; Stack.NextDeadline <= end; steps++)
        {
            Assert.True(steps < 100_000, $"busy: {Stack.NextDeadlineReason}");
            Now = Math.Max(Now, Stack.NextDeadline);
            Stack.Advance(Now);
            Collect();
        }

        Now = end;
    }

    /// <summary>The next segment the stack has sent.</summary>
    public TcpSegment Next() => NextAt().Segment;

    public (long At, TcpSegment Segment) NextAt()
    {
        Assert.True(_sent.Count > 0, "the stack has sent nothing");
        return _sent.Dequeue();
    }

    public void Nothing()
    {
        if (_sent.TryPeek(out (long, TcpSegment Segment) sent))
        {
            Assert.Fail($"the stack has sent {Describe.Packet(sent.Segment.Build())}");
        }
    }

    public bool HasSent => _sent.Count > 0;

    public int Drain(Action<TcpSegment>? each = null)
    {
        int count = 0;
        for (; _sent.TryDequeue(out (long, TcpSegment Segment) sent); count++)
        {
            each?.Invoke(sent.Segment);
        }

        return count;
    }

    public long SequenceOf(TcpSegment segment) => (int)(segment.Sequence - StackFirst);

    public long AcknowledgmentOf(TcpSegment segment) => (int)(segment.Acknowledgment - PeerFirst);

    /// <summary>A plain acknowledgment of everything up to <paramref name="acknowledgment"/>.</summary>
    public TcpSegment NextAck(long acknowledgment)
    {
        TcpSegment segment = Next();
        Assert.Equal(Bits.Ack, segment.Flags);
        Assert.Equal(0, segment.Payload.Length);
        Assert.Equal(acknowledgment, AcknowledgmentOf(segment));
        return segment;
    }

    private void Collect()
    {
        while (Stack.TryNextEvent(out StackEvent happened))
        {
            Events.Add(happened.Kind);
            Flow = happened.Kind == StackEventKind.TcpOpening ? happened.Tcp : Flow;
            happened.Buffer?.Release();
        }

        while (Stack.TryTransmit(Now, _scratch, out OutgoingPacket packet))
        {
            byte[] bytes = [.. packet.Header, .. packet.Payload];
            IpPacket parsed = IpPacket.Parse(bytes)!;
            Assert.True(parsed.ChecksumHolds());
            if (TcpSegment.Parse(parsed) is TcpSegment segment)
            {
                StackClock = segment.Timestamp?.Value ?? StackClock;
                _sent.Enqueue((Now, segment));
            }
            else if (IcmpMessage.Parse(parsed) is IcmpMessage error)
            {
                Errors.Add(error);
            }
        }
    }
}
