using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

/// <summary>
/// TCP/IP in user space without sockets, clocks, threads or randomness: packets and the time come in, packets, events and the
/// next deadline go out. It accepts connections to any destination. All times are microseconds of one monotonic clock.
/// Belongs to one loop: not safe for use from two threads at a time.
/// </summary>
public sealed partial class IpStack
{
    /// <summary>Room for the headers of any packet the stack sends, and for a whole ICMP error.</summary>
    public const int HeaderRoom = 2048;

    private readonly Queue<StackEvent> _events = new();
    private readonly Reassembler _reassembler;
    private uint _fragmentId;

    /// <summary>A stack for one link. <paramref name="secret"/> (32 bytes) seeds sequence numbers and hashes (RFC 6528).</summary>
    public IpStack(StackOptions options, ReadOnlySpan<byte> secret, PacketPool pool)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Mtu, 576);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Mtu, ushort.MaxValue);
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, 32);
        Options = options;
        Pool = pool;
        Sequences = new InitialSequence(secret);
        KeyedComparer comparer = new(secret);
        _flows = new Dictionary<FlowKey, TcpFlow>(comparer);
        _udp = new Dictionary<IpEndpoint, UdpFlow>(comparer);
        _reassembler = new Reassembler(pool, options.MaxFragmentBytes, Counters.Drops);
        _datagrams = new Outbox(options.MaxDatagramBytes, options.Offloads, options.CutsDatagrams);
    }

    /// <summary>What it has done so far.</summary>
    public StackCounters Counters { get; } = new();

    /// <summary>When <see cref="Advance"/> must be called next; long.MaxValue for never.</summary>
    public long NextDeadline => Math.Min(Deadlines.First?.Deadline ?? long.MaxValue, Math.Min(UdpDeadline, _reassembler.NextDeadline));

    /// <summary>Why, for traces and tests: the name of the timer that is due next.</summary>
    public string NextDeadlineReason
    {
        get
        {
            long next = NextDeadline;
            return next == long.MaxValue ? "None"
                : Deadlines.First is { } flow && flow.Deadline == next ? flow.DeadlineReason
                : UdpDeadline == next ? "UdpIdle"
                : "Reassembly";
        }
    }

    internal StackOptions Options { get; }

    internal PacketPool Pool { get; }

    internal ReceiveSegmentPool Nodes { get; } = new();

    internal InitialSequence Sequences { get; }

    internal DeadlineHeap Deadlines { get; } = new();

    /// <summary>Takes one packet from the link; ownership of <paramref name="packet"/> moves to the stack. Never throws for what it holds.</summary>
    public void Receive(PacketBuffer packet, long now)
    {
        if (!IpHeader.TryParse(packet.Span, out IpHeader ip, out DropReason reason))
        {
            Drop(packet, reason);
            return;
        }

        if (!ip.IsFragment)
        {
            Dispatch(packet, ip, now);
        }
        else if (!ip.IsValidSource || !IsCarried(ip))
        {
            Drop(packet, ip.IsValidSource ? DropReason.MartianDestination : DropReason.MartianSource);
        }
        else if (_reassembler.Add(packet, ip, now) is { } whole)
        {
            if (IpHeader.TryParse(whole.Span, out ip, out reason))
            {
                Dispatch(whole, ip, now);
            }
            else
            {
                Drop(whole, reason);
            }
        }
    }

    /// <summary>Runs the timers that are due.</summary>
    public void Advance(long now)
    {
        while (Deadlines.First is { } flow && flow.Deadline <= now)
        {
            flow.OnDeadline(now);
        }

        CloseIdleUdp(now);
        _reassembler.Advance(now);
    }

    /// <summary>The next thing to act on, oldest first.</summary>
    public bool TryNextEvent(out StackEvent happened)
    {
        while (_events.TryDequeue(out happened))
        {
            switch (happened.Kind)
            {
                case StackEventKind.Datagram:
                    _waitingBytes -= happened.Buffer!.Capacity;
                    return true;
                case StackEventKind.EchoRequest:
                case StackEventKind.UdpClosed:
                    return true;
            }

            happened.Tcp!.QueuedEvents &= ~(1 << (int)happened.Kind);
            if (!happened.Tcp.IsReleased)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Queues an event of a flow, at most one of each kind at a time.</summary>
    internal void Raise(StackEventKind kind, TcpFlow flow)
    {
        int bit = 1 << (int)kind;
        if ((flow.QueuedEvents & bit) == 0 && !flow.IsReleased)
        {
            flow.QueuedEvents |= bit;
            _events.Enqueue(new StackEvent(kind, flow));
        }
    }

    private void Dispatch(PacketBuffer packet, in IpHeader ip, long now)
    {
        DropReason reason = !ip.IsValidSource ? DropReason.MartianSource
            : !IsCarried(ip) ? DropReason.MartianDestination
            : packet.Offload.Checksum != ChecksumState.Partial && !Checksum.IsTransportValid(ip, packet.Span[ip.HeaderLength..ip.TotalLength]) ? DropReason.TransportChecksum
            : DropReason.None;
        if (reason != DropReason.None)
        {
            Drop(packet, reason);
            return;
        }

        switch (ip.Protocol)
        {
            case IpProtocol.Tcp:
                ReceiveTcp(packet, ip, now);
                break;
            case IpProtocol.Udp:
                ReceiveUdp(packet, ip, now);
                break;
            case IpProtocol.Icmp when ip.Version == 4:
            case IpProtocol.IcmpV6 when ip.Version == 6:
                ReceiveIcmp(packet, ip, now);
                break;
            default:
                Counters.Drops.Count(DropReason.Protocol);
                SendError(packet.Span, ip, ip.Destination, IcmpErrorKind.ProtocolUnreachable, now);
                packet.Release();
                break;
        }
    }

    /// <summary>What goes to many hosts, to none, or to the sender itself has no flow here.</summary>
    private static bool IsCarried(in IpHeader ip)
    {
        if (ip.IsToMany)
        {
            return false;
        }

        return ip.Version == 4 ? ip.Destination.V4 >> 24 is not (0 or 127) : ip.Destination.Bits > UInt128.One;
    }

    private void Drop(PacketBuffer packet, DropReason reason)
    {
        Counters.Drops.Count(reason);
        packet.Release();
    }
}
