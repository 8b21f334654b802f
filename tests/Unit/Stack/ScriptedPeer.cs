using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>An application's kernel played by a script: one TCP connection to a stack whose every segment the test writes and reads.</summary>
internal sealed class ScriptedPeer : IDisposable
{
    public static readonly byte[] Secret = new byte[32];

    private readonly Queue<Segment> _sent = new();
    private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
    private readonly List<TcpFlow> _flows = [];
    private readonly bool _offloads;

    public ScriptedPeer(StackOptions? options = null, bool timestamps = false, bool sacks = true, bool v6 = false, ushort mss = 1460)
    {
        StackOptions chosen = options ?? new StackOptions();
        _offloads = chosen.Offloads;
        Stack = new IpStack(chosen, Secret, Pool);
        Timestamps = timestamps;
        Sacks = sacks;
        Mss = mss;
        Local = v6 ? End("2001:db8::1", 40000) : End("10.0.0.1", 40000);
        Remote = v6 ? End("2001:db8::2", 443) : End("192.0.2.7", 443);
    }

    public PacketPool Pool { get; } = new();

    public IpStack Stack { get; }

    public bool Timestamps { get; }

    public bool Sacks { get; }

    public ushort Mss { get; }

    public IpEndpoint Local { get; set; }

    public IpEndpoint Remote { get; set; }

    public long Now { get; set; } = 1_000_000;

    /// <summary>The peer's next sequence number, and the next it expects.</summary>
    public uint Sequence { get; set; } = 1000;

    public uint Expected { get; set; }

    public ushort Window { get; set; } = 65535;

    public uint TimestampEcho { get; set; }

    public uint TimestampNow => (uint)(Now / 1000) + 77;

    public static IpEndpoint End(string address, ushort port) => new(IpAddr.From(System.Net.IPAddress.Parse(address)), port);

    /// <summary>Opens the connection up to Established; returns the flow.</summary>
    public TcpFlow Connect(byte? windowScale = 7, long roundTrip = 0)
    {
        SendSyn(windowScale);
        TcpFlow flow = Event(StackEventKind.TcpOpening).Tcp!;
        _flows.Add(flow);
        flow.Accept(Now);
        Segment answer = Next();
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, answer.Flags);
        Assert.Equal(Sequence, answer.Acknowledgment);
        Expected = answer.Sequence + 1;
        TimestampEcho = answer.TimestampValue;
        Now += roundTrip;
        Send(TcpFlags.Ack);
        Assert.Null(TryNext());
        return flow;
    }

    public void SendSyn(byte? windowScale = 7)
    {
        Send(new TcpHeader
        {
            SourcePort = Local.Port,
            DestinationPort = Remote.Port,
            Sequence = Sequence,
            Flags = TcpFlags.Syn,
            Window = Window,
            Mss = Mss,
            HasWindowScale = windowScale is not null,
            WindowScale = windowScale ?? 0,
            SackPermitted = Sacks,
            HasTimestamp = Timestamps,
            TimestampValue = TimestampNow,
        });
        Sequence++;
    }

    /// <summary>Sends a segment; <see cref="Sequence"/> moves on only when it begins there.</summary>
    public void Send(TcpFlags flags, ReadOnlySpan<byte> payload = default, uint? sequence = null, uint? acknowledgment = null, SackBlock[]? sacks = null, uint? timestamp = null)
    {
        SackBlocks blocks = default;
        sacks?.CopyTo(blocks);
        uint start = sequence ?? Sequence;
        Send(new TcpHeader
        {
            SourcePort = Local.Port,
            DestinationPort = Remote.Port,
            Sequence = start,
            Acknowledgment = acknowledgment ?? Expected,
            Flags = flags,
            Window = Window,
            HasTimestamp = Timestamps,
            TimestampValue = timestamp ?? TimestampNow,
            TimestampEcho = TimestampEcho,
            SackCount = sacks?.Length ?? 0,
            Sacks = blocks,
        }, payload);
        if (start == Sequence)
        {
            Sequence += (uint)payload.Length + ((flags & TcpFlags.Fin) != 0 ? 1u : 0);
        }
    }

    public void Send(in TcpHeader header, ReadOnlySpan<byte> payload = default)
    {
        PacketBuffer packet = Pool.Rent(Math.Max(header.WrittenLength + 40 + payload.Length, BlockSize));
        int start = IpWriter.Write(packet.Array, Local.Address, Remote.Address, IpProtocol.Tcp, header.WrittenLength + payload.Length);
        int length = header.Write(packet.Array.AsSpan(start));
        payload.CopyTo(packet.Array.AsSpan(start + length));
        ushort checksum = Checksum.Transport(Local.Address, Remote.Address, IpProtocol.Tcp, packet.Array.AsSpan(start, length), payload);
        BinaryPrimitives.WriteUInt16BigEndian(packet.Array.AsSpan(start + TcpHeader.ChecksumOffset), checksum);
        packet.Length = start + length + payload.Length;
        Stack.Receive(packet, Now);
    }

    /// <summary>Capacity that arriving packets' blocks have at least, as a link that reads into large blocks has it.</summary>
    public int BlockSize { get; set; }

    /// <summary>The next segment from the stack, which must be there.</summary>
    public Segment Next() => TryNext() ?? throw new Xunit.Sdk.XunitException("the stack sends nothing");

    /// <summary>The next segment from the stack, or null.</summary>
    public Segment? TryNext()
    {
        Drain();
        return _sent.TryDequeue(out Segment? segment) ? segment : null;
    }

    /// <summary>All that the stack has to send now.</summary>
    public List<Segment> All()
    {
        Drain();
        List<Segment> all = [.. _sent];
        _sent.Clear();
        return all;
    }

    /// <summary>Moves the time on to the stack's next deadline, which must be for <paramref name="reason"/>.</summary>
    public long Due(string reason)
    {
        Assert.Equal(reason, Stack.NextDeadlineReason);
        Assert.True(Stack.NextDeadline > Now || Stack.NextDeadline == Now, "a deadline lies in the past");
        long waited = Stack.NextDeadline - Now;
        Now = Stack.NextDeadline;
        Stack.Advance(Now);
        return waited;
    }

    public StackEvent Event(StackEventKind kind)
    {
        Assert.True(Stack.TryNextEvent(out StackEvent happened), $"no event, {kind} expected");
        Assert.Equal(kind, happened.Kind);
        return happened;
    }

    public void NoEvent() => Assert.False(Stack.TryNextEvent(out _));

    public void Dispose()
    {
        _flows.ForEach(flow => flow.Release(Now));
        Drain();
        while (Stack.TryNextEvent(out StackEvent happened))
        {
            happened.Buffer?.Release();
            happened.Tcp?.Release(Now);
        }

        Drain();
        Assert.Equal(0, Pool.Outstanding);
    }

    private void Drain()
    {
        while (Stack.TryTransmit(Now, _scratch, out OutgoingPacket packet))
        {
            _sent.Enqueue(Segment.Read(packet, _offloads));
        }
    }
}
