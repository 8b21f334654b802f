using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Unit.Packets;

namespace Culvert.Fuzz.Targets;

/// <summary>
/// A live stack with open flows: mutated packets, most of them aimed at the flows' windows, and a user who calls the API at random. Nothing may throw, leak, grow
/// or stay busy, and no event may come out of its order.
/// </summary>
internal sealed class StackTarget : IFuzzTarget
{
    private const int Ports = 8;
    private const ushort FirstPort = 40_000;
    private const int MostFlows = 64;
    private const int MostBuffers = 4_096;
    private const int MostPerInput = 10_000;

    private readonly PacketPool _pool = new();
    private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
    private readonly Peer[] _peers = new Peer[2 * Ports];
    private readonly List<Use> _flows = [];
    private readonly List<PacketBuffer> _echoes = [];
    private readonly IpStack _stack;
    private readonly bool _offloads;
    private FuzzRandom _random;
    private UdpFlow? _udp;
    private IpEndpoint _udpTo;
    private long _now = 1_000_000;

    private StackTarget(ulong seed)
    {
        _random = new FuzzRandom(seed);
        _offloads = _random.OnceIn(2);
        StackOptions options = new()
        {
            Mtu = _random.OnceIn(2) ? 1500 : 576 + _random.Below(8_000),
            Offloads = _offloads,
            CutsDatagrams = _offloads && _random.OnceIn(2),
            MaxTcpFlows = MostFlows,
            MaxOpening = MostFlows / 4,
            MaxUdpFlows = 4,
            ReceiveBuffer = 1 << (12 + _random.Below(8)),
            SendBuffer = 1 << (12 + _random.Below(8)),
            KeepAlive = _random.OnceIn(2) ? 0 : 10_000_000,
            MaxFragmentBytes = 1 << 18,
        };
        byte[] secret = new byte[32];
        BinaryPrimitives.WriteUInt64LittleEndian(secret, seed);
        _stack = new IpStack(options, secret, _pool);
    }

    public static FuzzTarget Entry { get; } = new(
        "stack", "packets and random calls of its API on a stack with open flows", Corpus, seed => new StackTarget(seed), PacketCorpus.Repair);

    public void Run(ReadOnlySpan<byte> input)
    {
        PacketBuffer buffer = _pool.Rent(_offloads ? PacketPool.LargeSize : input.Length);
        input.CopyTo(buffer.Array);
        buffer.Length = input.Length;
        if (!_random.OnceIn(8))
        {
            Aim(buffer);
        }

        if (_offloads && _random.OnceIn(4) && !TakeDamagedHeader(buffer))
        {
            buffer.Release(); // as a link drops it
            return;
        }

        _stack.Receive(buffer, _now);
        Turn();
        if (_random.OnceIn(4))
        {
            CallSomething();
            Turn();
        }

        if (_random.OnceIn(4))
        {
            Wait(_random.OnceIn(64) ? _random.Below(100_000_000) : _random.Below(100_000));
        }

        Expect.That(_pool.Outstanding < MostBuffers, "buffers are bounded");
        Expect.That(_flows.Count <= 2 * MostFlows, "flows are bounded");
    }

    public void Finish()
    {
        foreach (Use use in _flows.ToArray())
        {
            Release(use);
        }

        foreach (PacketBuffer echo in _echoes)
        {
            echo.Release();
        }

        _echoes.Clear();
        Turn();
        for (int i = 0; i < 100; i++)
        {
            Wait(100_000_000);
        }

        Expect.That(_pool.Outstanding == 0, $"every buffer is given back: {string.Join(", ", _pool.Leaks())}");
        Expect.That(_stack.NextDeadline == long.MaxValue, $"no timer is left: {_stack.NextDeadlineReason}");
    }

    private static IReadOnlyList<byte[]> Corpus()
    {
        List<byte[]> packets = [.. PacketCorpus.Make()];
        SackBlocks sacks = default;
        sacks[0] = new SackBlock(1, 2);
        foreach (bool v4 in (bool[])[true, false])
        {
            for (ushort port = 0; port < Ports; port++)
            {
                TcpHeader syn = new() { SourcePort = (ushort)(FirstPort + port), DestinationPort = 443, Flags = TcpFlags.Syn, Window = 60_000, Mss = 1_460, SackPermitted = true };
                packets.Add(SamplePackets.Tcp(v4, syn));
                packets.Add(SamplePackets.Tcp(v4, syn with { Flags = TcpFlags.Ack, SackPermitted = false, Mss = 0, SackCount = 1, Sacks = sacks }));
                packets.Add(SamplePackets.Tcp(v4, syn with { Flags = TcpFlags.Ack, SackPermitted = false, Mss = 0 }, 1_000));
            }

            foreach (TcpFlags flags in (TcpFlags[])[TcpFlags.Syn, TcpFlags.Ack, TcpFlags.Ack, TcpFlags.Ack | TcpFlags.Psh, TcpFlags.Fin | TcpFlags.Ack, TcpFlags.Rst])
            {
                foreach (ushort port in (ushort[])[0, 1, 2, 3])
                {
                    TcpHeader header = new() { SourcePort = (ushort)(FirstPort + port), DestinationPort = 443, Flags = flags, Window = (ushort)(port * 20_000), Mss = 1_460 };
                    packets.Add(SamplePackets.Tcp(v4, header, flags == (TcpFlags.Ack | TcpFlags.Psh) ? 1 + (port * 450) : 0));
                }
            }
        }

        return packets;
    }

    /// <summary>Turns a segment to one of a few ports, and near what its flow waits for.</summary>
    private void Aim(PacketBuffer buffer)
    {
        if (!IpHeader.TryParse(buffer.Span, out IpHeader ip) || ip.Protocol != IpProtocol.Tcp || ip.IsFragment || ip.PayloadLength < TcpHeader.MinSize)
        {
            return;
        }

        Span<byte> tcp = buffer.Span[ip.HeaderLength..];
        int port = BinaryPrimitives.ReadUInt16BigEndian(tcp) % Ports;
        BinaryPrimitives.WriteUInt16BigEndian(tcp, (ushort)(FirstPort + port));
        ref Peer peer = ref _peers[port + (ip.Version == 4 ? 0 : Ports)];
        if (peer.Known)
        {
            uint sequence = peer.Next + (_random.OnceIn(2) ? 0 : (uint)(_random.Below(6_000) - 3_000));
            uint acknowledgment = peer.Reached - (_random.OnceIn(2) ? 0 : (uint)(_random.Below(20_000) - 200));
            BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
            BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], acknowledgment);
            if ((tcp[13] & (int)(TcpFlags.Rst | TcpFlags.Syn)) != 0 && !_random.OnceIn(32))
            {
                tcp[13] = (byte)TcpFlags.Ack; // or no flow would live for long
            }

            tcp[13] = (tcp[13] & (int)TcpFlags.Fin) != 0 && !_random.OnceIn(8) ? (byte)TcpFlags.Ack : tcp[13];
            AimSacks(tcp[..Math.Min(tcp.Length, Math.Max((tcp[12] >> 4) * 4, TcpHeader.MinSize))], peer.Reached);
        }

        ushort segment = _offloads && _random.OnceIn(4) ? (ushort)(1 + _random.Below(_random.OnceIn(8) ? ushort.MaxValue : 1_460)) : (ushort)0;
        buffer.Offload = new PacketOffload(ChecksumState.Partial, segment); // the device vouches: the checksum is no obstacle
    }

    /// <summary>Reads a device's header that may be damaged in front of the packet; false when it is refused.</summary>
    private bool TakeDamagedHeader(PacketBuffer buffer)
    {
        Span<byte> header = stackalloc byte[VirtioNetHeader.Size];
        header.Clear();
        bool v4 = buffer.Length > 9 && buffer.Span[0] >> 4 == 4;
        bool tcp = buffer.Length > 9 && buffer.Span[v4 ? 9 : 6] == IpProtocol.Tcp;
        header[0] = 1;
        header[1] = (byte)(_random.OnceIn(2) ? 0 : !tcp ? 5 : v4 ? 1 : 4);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], (ushort)(header[1] == 0 ? 0 : _random.Below(1 << 16)));
        header[6] = (byte)(v4 ? IpHeader.V4Size : IpHeader.V6Size);
        header[8] = (byte)(tcp ? TcpHeader.ChecksumOffset : UdpHeader.ChecksumOffset);
        for (int damage = _random.Below(3); damage > 0; damage--)
        {
            header[_random.Below(header.Length)] = (byte)_random.Next();
        }

        bool good = VirtioNetHeader.TryRead(header, buffer.Span, out PacketOffload offload);
        buffer.Offload = offload;
        return good;
    }

    /// <summary>Puts SACK blocks where they may be of what was sent.</summary>
    private void AimSacks(Span<byte> header, uint reached)
    {
        for (int i = TcpHeader.MinSize; i + 1 < header.Length && header[i] != 0; i += header[i] == 1 ? 1 : Math.Max((int)header[i + 1], 2))
        {
            for (int at = i + 2; header[i] == 5 && at + 8 <= Math.Min(i + header[i + 1], header.Length); at += 8)
            {
                uint left = reached - (uint)_random.Below(20_000);
                BinaryPrimitives.WriteUInt32BigEndian(header[at..], left);
                BinaryPrimitives.WriteUInt32BigEndian(header[(at + 4)..], left + (uint)_random.Below(5_000));
            }
        }
    }

    private void Wait(long time)
    {
        long end = _now + time;
        for (int steps = 0; _stack.NextDeadline <= end; steps++)
        {
            Expect.That(steps < MostPerInput, $"time passes: {_stack.NextDeadlineReason}");
            _now = Math.Max(_now, _stack.NextDeadline);
            _stack.Advance(_now);
            Turn();
        }

        _now = end;
    }

    /// <summary>Takes the events and the packets there are.</summary>
    private void Turn()
    {
        for (int round = 0; ; round++)
        {
            Expect.That(round < 100, $"a turn ends: {_stack.NextDeadlineReason}");
            int count = 0;
            while (_stack.TryNextEvent(out StackEvent happened))
            {
                Expect.That(++count < MostPerInput, "events end");
                Act(happened);
            }

            while (_stack.TryTransmit(_now, _scratch, out OutgoingPacket packet))
            {
                Expect.That(++count < MostPerInput, "packets end");
                Note(packet);
            }

            if (_stack.NextDeadline <= _now)
            {
                _stack.Advance(_now);
            }
            else if (count == 0)
            {
                return;
            }
        }
    }

    private void Note(in OutgoingPacket packet)
    {
        // By hand, since the length in the IP header counts the payload, which lies elsewhere.
        int header = packet.Header[0] >> 4 == 4 ? IpHeader.V4Size : IpHeader.V6Size;
        byte protocol = packet.Header[0] >> 4 == 4 ? packet.Header[9] : packet.Header[6];
        if (protocol != IpProtocol.Tcp)
        {
            return;
        }

        bool inPayload = packet.Header.Length == header; // resets wait with other messages, which are cut behind the IP header
        Expect.That(TcpHeader.TryParse(inPayload ? packet.Payload : packet.Header[header..], out TcpHeader tcp), "what is sent parses");
        int port = (tcp.DestinationPort - FirstPort) & 0xFFFF;
        if (port >= Ports)
        {
            return;
        }

        ref Peer peer = ref _peers[port + (header == IpHeader.V4Size ? 0 : Ports)];
        if ((tcp.Flags & TcpFlags.Rst) != 0)
        {
            peer = default;
            return;
        }

        int space = packet.Payload.Length + ((tcp.Flags & (TcpFlags.Syn | TcpFlags.Fin)) != 0 ? 1 : 0);
        uint reached = tcp.Sequence + (uint)space;
        bool fresh = !peer.Known || (tcp.Flags & TcpFlags.Syn) != 0;
        peer = new Peer(true, tcp.Acknowledgment, fresh || (int)(reached - peer.Reached) > 0 ? reached : peer.Reached);
    }

    private void Act(in StackEvent happened)
    {
        switch (happened.Kind)
        {
            case StackEventKind.TcpOpening:
                Use opened = new(happened.Tcp!);
                happened.Tcp!.Tag = opened;
                _flows.Add(opened);
                if (!_random.OnceIn(4))
                {
                    AcceptOrRefuse(opened);
                }

                break;
            case StackEventKind.TcpReadable or StackEventKind.TcpWritable or StackEventKind.TcpClosed:
                Use use = (Use)happened.Tcp!.Tag!;
                Expect.That(!use.Released, $"no {happened.Kind} after Release");
                Expect.That(!use.Closed, $"no {happened.Kind} after TcpClosed");
                if (happened.Kind == StackEventKind.TcpClosed)
                {
                    use.Closed = true;
                    Expect.That(use.Flow.CloseReason != TcpCloseReason.None, "a flow that is over says why");
                }

                break;
            case StackEventKind.Datagram:
                Expect.That(happened.Buffer!.Offload.SegmentSize is 0 || happened.Buffer.Offload.SegmentSize < happened.Buffer.Length, "a run is of two datagrams or more");
                _udp = happened.Udp;
                _udpTo = happened.Destination;
                happened.Buffer!.Release();
                break;
            case StackEventKind.UdpClosed:
                _udp = _udp == happened.Udp ? null : _udp;
                break;
            case StackEventKind.EchoRequest:
                _echoes.Add(happened.Buffer!);
                break;
        }
    }

    private void AcceptOrRefuse(Use use)
    {
        use.Answered = true;
        if (_random.OnceIn(8))
        {
            use.Flow.Refuse((Refusal)_random.Below(5), _now);
            Forget(use);
        }
        else
        {
            use.Flow.Accept(_now);
        }
    }

    private void CallSomething()
    {
        if (_echoes.Count > 0 && _random.OnceIn(2))
        {
            PacketBuffer echo = _echoes[^1];
            _echoes.RemoveAt(_echoes.Count - 1);
            if (_random.OnceIn(2))
            {
                _stack.ReplyEcho(echo, _now);
            }
            else
            {
                _stack.RefuseEcho(echo, (Refusal)_random.Below(5), _now);
            }
        }

        if (_udp != null && _random.OnceIn(2))
        {
            CallUdp(_udp);
        }

        if (_flows.Count > 0)
        {
            CallTcp(_flows[_random.Below(_flows.Count)]);
        }
    }

    private void CallUdp(UdpFlow udp)
    {
        switch (_random.Below(8))
        {
            case 0:
                udp.Refuse(_udpTo, (Refusal)_random.Below(5), _now);
                break;
            case 1:
                udp.Close();
                _udp = null;
                break;
            case 2 or 3:
                PacketBuffer run = _pool.Rent(PacketPool.LargeSize);
                run.Length = 1 + _random.Below(ushort.MaxValue - 1);
                udp.Send(_udpTo, run, 1 + _random.Below(_random.OnceIn(8) ? 70_000 : 1_500), _now);
                break;
            default:
                udp.Send(_udpTo, _scratch.AsSpan(0, _random.Below(_scratch.Length)), _now);
                break;
        }
    }

    private void CallTcp(Use use)
    {
        TcpFlow flow = use.Flow;
        if (use.Closed)
        {
            Release(use);
            return;
        }

        if (!use.Answered)
        {
            AcceptOrRefuse(use);
            return;
        }

        switch (_random.Below(16))
        {
            case 0 when _random.OnceIn(4):
                flow.Abort(_now);
                break;
            case 1 when _random.OnceIn(4):
                Release(use);
                break;
            case 2 when _random.OnceIn(4):
                flow.Finish(_now);
                break;
            case < 8:
                long length = flow.Received.Length;
                flow.Consume(_random.OnceIn(2) ? length : (long)(_random.Next() % (ulong)(length + 1)), _now);
                break;
            case 8:
                _ = flow.GetMemory(); // and kept for a while
                break;
            default:
                Memory<byte> room = flow.GetMemory();
                if (!room.IsEmpty)
                {
                    int count = _random.Below(room.Length + 1);
                    room.Span[..count].Fill(0x2A);
                    flow.Advance(count, _now);
                }

                break;
        }
    }

    private void Release(Use use)
    {
        use.Released = true;
        use.Flow.Release(_now);
        _flows.Remove(use);
    }

    private void Forget(Use use)
    {
        use.Released = true;
        _flows.Remove(use);
    }

    /// <summary>What the other end of a port knows: the stack's last acknowledgment, and how far the stack has sent.</summary>
    private readonly record struct Peer(bool Known, uint Next, uint Reached);

    private sealed class Use(TcpFlow flow)
    {
        public TcpFlow Flow => flow;

        public bool Answered { get; set; }

        public bool Closed { get; set; }

        public bool Released { get; set; }
    }
}
