using System;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

// What goes to the link, and in which order: control first, then datagrams and flows by turns.
public sealed partial class IpStack
{
    /// <summary>Resets and ICMP errors that wait for the link, in bytes of their blocks. Beyond, they are dropped: their causes come again.</summary>
    private const int MaxControlBytes = 1 << 20;

    /// <summary>Packets that a flow sends before it is the next one's turn, unless they are super-segments.</summary>
    private const int PacketsPerTurn = 8;

    private readonly Outbox _control = new(MaxControlBytes, offloads: false, cutsDatagrams: false);
    private readonly Outbox _datagrams;
    private readonly Queue<TcpFlow> _controlFlows = new();
    private readonly Queue<TcpFlow> _turns = new();
    private TcpFlow? _onTurn;
    private int _packetsLeft;
    private bool _datagramsNext;

    /// <summary>
    /// Builds the next packet to send; its headers in <paramref name="scratch"/> (<see cref="HeaderRoom"/> bytes). False when there is none. The packet
    /// counts as sent.
    /// </summary>
    public bool TryTransmit(long now, Span<byte> scratch, out OutgoingPacket packet)
    {
        if (_control.TryNext(scratch, out packet))
        {
            return true;
        }

        while (_controlFlows.TryDequeue(out TcpFlow? flow))
        {
            flow.HasControl = false;
            bool soon = flow == _onTurn || (_onTurn is null && _turns.TryPeek(out TcpFlow? next) && next == flow);
            if (flow.TryBuildControl(now, scratch, dataFollows: soon && flow.HasTurn, out packet))
            {
                return true;
            }
        }

        _datagramsNext = !_datagramsNext;
        return _datagramsNext
            ? _datagrams.TryNext(scratch, out packet) || TryTakeTurn(now, scratch, out packet)
            : TryTakeTurn(now, scratch, out packet) || _datagrams.TryNext(scratch, out packet);
    }

    /// <summary>The flow has a segment without data to send.</summary>
    internal void WantsControl(TcpFlow flow)
    {
        if (!flow.HasControl)
        {
            flow.HasControl = true;
            _controlFlows.Enqueue(flow);
        }
    }

    /// <summary>The flow has data to send.</summary>
    internal void WantsTurn(TcpFlow flow)
    {
        if (!flow.HasTurn)
        {
            flow.HasTurn = true;
            _turns.Enqueue(flow);
        }
    }

    private bool TryTakeTurn(long now, Span<byte> scratch, out OutgoingPacket packet)
    {
        while (true)
        {
            if (_onTurn is null)
            {
                if (!_turns.TryDequeue(out _onTurn))
                {
                    packet = default;
                    return false;
                }

                _packetsLeft = PacketsPerTurn;
            }

            TcpFlow flow = _onTurn;
            if (flow.TryBuildData(now, scratch, out packet))
            {
                if (--_packetsLeft == 0 || packet.Offload.SegmentSize != 0)
                {
                    _onTurn = null;
                    _turns.Enqueue(flow); // to the end of the line; it leaves when it has nothing left
                }

                return true;
            }

            flow.HasTurn = false;
            _onTurn = null;
        }
    }

    private bool SendMessage(Outbox outbox, PacketBuffer message, IpAddr source, IpAddr destination, byte protocol)
    {
        int mtu = source.IsV4 ? Options.Mtu : Math.Max(Options.Mtu, IcmpError.MaxV6);
        if (!outbox.TryAdd(message, new Fragmenter(source, destination, protocol, mtu, _fragmentId++)))
        {
            Counters.Drops.Count(DropReason.Limit);
            return false;
        }

        return true;
    }
}
