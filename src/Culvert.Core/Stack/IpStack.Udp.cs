using System;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

// UDP: flows by source endpoint, the idlest first in a list.
public sealed partial class IpStack
{
    private readonly Dictionary<IpEndpoint, UdpFlow> _udp;
    private UdpFlow? _idlest;
    private UdpFlow? _busiest;
    private int _waitingBytes; // of the blocks of Datagram events not yet taken

    /// <summary>UDP flows there are.</summary>
    public int UdpFlowCount => _udp.Count;

    private long UdpDeadline => _idlest is null ? long.MaxValue : _idlest.UsedAt + Options.UdpIdle;

    /// <summary>Queues a datagram for the link.</summary>
    internal bool SendDatagram(IpEndpoint from, IpEndpoint to, ReadOnlySpan<byte> payload)
    {
        int most = ushort.MaxValue - UdpHeader.Size - (to.Address.IsV4 ? IpHeader.V4Size : 0);
        if (payload.Length > most || from.Address.IsV4 != to.Address.IsV4)
        {
            return false;
        }

        if (Fits(to, payload.Length))
        {
            return Counted(_datagrams.TryAdd(Pool, from, to, payload));
        }

        PacketBuffer message = Pool.Rent(UdpHeader.Size + payload.Length);
        message.Length = UdpHeader.Size + payload.Length;
        UdpHeader.Write(message.Array, from, to, payload);
        payload.CopyTo(message.Array.AsSpan(UdpHeader.Size));
        return SendMessage(_datagrams, message, from.Address, to.Address, IpProtocol.Udp);
    }

    /// <summary>
    /// Queues a run of datagrams of <paramref name="segmentSize"/> bytes each, the last of which may be shorter, for the link; ownership of <paramref name="run"/> moves here.
    /// </summary>
    internal bool SendDatagrams(IpEndpoint from, IpEndpoint to, PacketBuffer run, int segmentSize)
    {
        if (from.Address.IsV4 == to.Address.IsV4 && Fits(to, segmentSize) && run.Length <= DatagramRun.MaxBytes && DatagramRun.Count(run.Length, segmentSize) <= DatagramRun.MaxDatagrams)
        {
            return Counted(_datagrams.TryAdd(from, to, run, segmentSize));
        }

        bool all = true;
        for (int at = 0; at < run.Length; at += segmentSize)
        {
            all &= SendDatagram(from, to, run.Span.Slice(at, Math.Min(segmentSize, run.Length - at)));
        }

        run.Release();
        return all;
    }

    /// <summary>Answers a datagram of the flow with an ICMP error.</summary>
    internal void RefuseDatagram(IpEndpoint from, IpEndpoint to, Refusal refusal, long now)
    {
        // Datagrams are not kept: what an application's kernel looks at, addresses and ports, is known.
        Span<byte> datagram = stackalloc byte[IpHeader.V6Size + UdpHeader.Size];
        int start = IpWriter.Write(datagram, from.Address, to.Address, IpProtocol.Udp, UdpHeader.Size);
        int length = start + UdpHeader.Write(datagram[start..], from, to, default);
        Refuse(datagram[..length], refusal, now);
    }

    internal void Used(UdpFlow flow, long now)
    {
        flow.UsedAt = now;
        if (flow != _busiest)
        {
            Unlink(flow);
            Link(flow);
        }
    }

    internal void Remove(UdpFlow flow)
    {
        _udp.Remove(flow.Source);
        Unlink(flow);
    }

    private void ReceiveUdp(PacketBuffer packet, in IpHeader ip, long now)
    {
        if (!UdpHeader.TryParse(packet.Span[ip.HeaderLength..ip.TotalLength], out UdpHeader header) || header.SourcePort == 0 || header.DestinationPort == 0)
        {
            Drop(packet, DropReason.TransportHeader);
            return;
        }

        packet.Start += ip.HeaderLength + UdpHeader.Size;
        packet.Length = header.Length - UdpHeader.Size;
        if (packet.Offload.SegmentSize >= packet.Length)
        {
            packet.Offload = packet.Offload with { SegmentSize = 0 };
        }
        else if (packet.Offload.SegmentSize != 0 && DatagramRun.Count(packet.Length, packet.Offload.SegmentSize) > DatagramRun.MaxReceived)
        {
            Drop(packet, DropReason.TransportHeader);
            return;
        }

        packet = Compact(packet);
        if (_waitingBytes + packet.Capacity > Options.MaxDatagramBytes)
        {
            Drop(packet, DropReason.Limit);
            return;
        }

        IpEndpoint source = new(ip.Source, header.SourcePort);
        if (!_udp.TryGetValue(source, out UdpFlow? flow))
        {
            if (_udp.Count >= Options.MaxUdpFlows && _idlest is not null)
            {
                End(_idlest);
            }

            flow = new UdpFlow(this, source);
            _udp.Add(source, flow);
            Link(flow);
        }

        Used(flow, now);
        _waitingBytes += packet.Capacity;
        _events.Enqueue(new StackEvent(StackEventKind.Datagram, Udp: flow, Destination: new IpEndpoint(ip.Destination, header.DestinationPort), Buffer: packet));
    }

    private bool Fits(IpEndpoint to, int payload) => IpWriter.HeaderSize(to.Address) + UdpHeader.Size + payload <= Options.Mtu;

    private bool Counted(bool taken)
    {
        if (!taken)
        {
            Counters.Drops.Count(DropReason.Limit);
        }

        return taken;
    }

    private void CloseIdleUdp(long now)
    {
        while (_idlest is not null && UdpDeadline <= now)
        {
            End(_idlest);
        }
    }

    private void End(UdpFlow flow)
    {
        flow.IsClosed = true;
        Remove(flow);
        _events.Enqueue(new StackEvent(StackEventKind.UdpClosed, Udp: flow));
    }

    /// <summary>Moves a small packet out of a large block, which whoever keeps the packet would keep from the pool.</summary>
    private PacketBuffer Compact(PacketBuffer packet)
    {
        if (packet.Capacity <= PacketPool.SmallSize || packet.Length > PacketPool.SmallSize)
        {
            return packet;
        }

        PacketBuffer small = Pool.Rent(packet.Length);
        packet.Span.CopyTo(small.Array);
        small.Length = packet.Length;
        small.Offload = packet.Offload;
        packet.Release();
        return small;
    }

    private void Link(UdpFlow flow)
    {
        flow.Idler = _busiest;
        flow.Busier = null;
        if (_busiest is null)
        {
            _idlest = flow;
        }
        else
        {
            _busiest.Busier = flow;
        }

        _busiest = flow;
    }

    private void Unlink(UdpFlow flow)
    {
        if (flow.Idler is null)
        {
            _idlest = flow.Busier;
        }
        else
        {
            flow.Idler.Busier = flow.Busier;
        }

        if (flow.Busier is null)
        {
            _busiest = flow.Idler;
        }
        else
        {
            flow.Busier.Idler = flow.Idler;
        }
    }
}
