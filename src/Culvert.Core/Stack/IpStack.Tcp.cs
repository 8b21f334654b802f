using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

// TCP: which segment belongs to which flow, and the segments that belong to none.
public sealed partial class IpStack
{
    private readonly Dictionary<FlowKey, TcpFlow> _flows;
    private readonly Queue<TcpFlow> _lingering = new(); // flows that entered TIME_WAIT, in that order
    private int _opening;

    /// <summary>TCP connections there are, TIME_WAIT included.</summary>
    public int TcpFlowCount => _flows.Count;

    /// <summary>Opens a connection to an application at <paramref name="remote"/>, which sees it come from <paramref name="local"/>; TcpWritable tells that it stands.</summary>
    internal TcpFlow Connect(IpEndpoint local, IpEndpoint remote, long now)
    {
        TcpFlow flow = new(this, new FlowKey(remote, local), now);
        _flows.Add(flow.Key, flow);
        flow.OpenActive(now);
        return flow;
    }

    /// <summary>Resets every connection, those included that were released and are still finishing: what is not reset, its application's kernel goes on repeating.</summary>
    public void AbortAll(long now)
    {
        foreach (TcpFlow flow in _flows.Values.ToArray())
        {
            flow.Abort(now);
        }
    }

    internal void StopsOpening(TcpFlow flow) => _opening -= flow.State == TcpState.Opening ? 1 : 0;

    internal void EntersTimeWait(TcpFlow flow)
    {
        _lingering.Enqueue(flow);
        if (_lingering.Count <= 2 * Options.MaxTcpFlows)
        {
            return;
        }

        // Closed ones wait behind one whose peer repeats its FIN: at least half of them.
        for (int i = _lingering.Count; i > 0; i--)
        {
            TcpFlow next = _lingering.Dequeue();
            if (next.State == TcpState.TimeWait)
            {
                _lingering.Enqueue(next);
            }
        }
    }

    internal void Remove(TcpFlow flow)
    {
        _flows.Remove(flow.Key);
        while (_lingering.TryPeek(out TcpFlow? first) && first.State == TcpState.Closed)
        {
            _lingering.Dequeue();
        }
    }

    /// <summary>Answers the SYN of a flow that does not come to be.</summary>
    internal void RefuseSyn(TcpFlow flow, Refusal refusal, uint sequence, long now)
    {
        if (refusal == Refusal.Refused)
        {
            SendReset(flow.Key, 0, sequence + 1, acknowledges: true);
        }
        else if (refusal != Refusal.Silent)
        {
            // The SYN is not kept: what an application's kernel looks at, addresses, ports and sequence number, is known.
            Span<byte> syn = stackalloc byte[IpHeader.V6Size + TcpHeader.MinSize];
            TcpHeader header = new() { SourcePort = flow.Source.Port, DestinationPort = flow.Destination.Port, Sequence = sequence, Flags = TcpFlags.Syn };
            int start = IpWriter.Write(syn, flow.Source.Address, flow.Destination.Address, IpProtocol.Tcp, TcpHeader.MinSize);
            int length = start + header.Write(syn[start..]);
            Refuse(syn[..length], refusal, now);
        }
    }

    internal void SendReset(FlowKey key, uint sequence, uint acknowledgment, bool acknowledges)
    {
        Counters.Resets++;
        TcpHeader header = new()
        {
            SourcePort = key.Destination.Port,
            DestinationPort = key.Source.Port,
            Sequence = sequence,
            Acknowledgment = acknowledges ? acknowledgment : 0,
            Flags = acknowledges ? TcpFlags.Rst | TcpFlags.Ack : TcpFlags.Rst,
        };
        PacketBuffer reset = Pool.Rent(TcpHeader.MinSize);
        reset.Length = header.Write(reset.Array);
        ushort checksum = Checksum.Transport(key.Destination.Address, key.Source.Address, IpProtocol.Tcp, reset.Span, default);
        BinaryPrimitives.WriteUInt16BigEndian(reset.Span[TcpHeader.ChecksumOffset..], checksum);
        SendMessage(_control, reset, key.Destination.Address, key.Source.Address, IpProtocol.Tcp);
    }

    private void ReceiveTcp(PacketBuffer packet, in IpHeader ip, long now)
    {
        if (!TcpHeader.TryParse(packet.Span[ip.HeaderLength..ip.TotalLength], out TcpHeader header))
        {
            Drop(packet, DropReason.TransportHeader);
            return;
        }

        FlowKey key = new(new IpEndpoint(ip.Source, header.SourcePort), new IpEndpoint(ip.Destination, header.DestinationPort));
        int length = ip.PayloadLength - header.HeaderLength;
        bool isSyn = (header.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst)) == TcpFlags.Syn;
        uint? follows = null;
        if (_flows.TryGetValue(key, out TcpFlow? flow) && isSyn && flow.GivesWayTo(header))
        {
            if (flow.IsUnseen)
            {
                flow.OpenPassive(header, null, now); // no event more, however many such SYNs come
                packet.Release();
                return;
            }

            follows = flow.Reached;
            flow.Close(TcpCloseReason.PeerReset);
            flow = null;
        }

        if (flow is not null)
        {
            flow.Receive(header, packet, packet.Start + ip.HeaderLength + header.HeaderLength, length, now);
        }
        else if (isSyn)
        {
            Open(key, header, follows, now);
        }
        else
        {
            Counters.Drops.Count(DropReason.NoFlow);
            AnswerStranger(key, header, length);
        }

        packet.Release();
    }

    private void Open(FlowKey key, in TcpHeader syn, uint? follows, long now)
    {
        if (key.Source.Port == 0 || key.Destination.Port == 0)
        {
            Counters.Drops.Count(DropReason.TransportHeader);
            return;
        }

        if (_opening >= Options.MaxOpening)
        {
            Counters.Drops.Count(DropReason.Limit);
            return;
        }

        if (_flows.Count >= Options.MaxTcpFlows && !TryEndTimeWait())
        {
            Counters.Drops.Count(DropReason.Limit);
            SendReset(key, 0, syn.Sequence + 1, acknowledges: true);
            return;
        }

        TcpFlow flow = new(this, key, now);
        _flows.Add(key, flow);
        _opening++;
        flow.OpenPassive(syn, follows, now);
        Raise(StackEventKind.TcpOpening, flow);
    }

    /// <summary>At the limit a connection that only waits for stragglers gives way to a new one.</summary>
    private bool TryEndTimeWait()
    {
        while (_lingering.TryDequeue(out TcpFlow? oldest))
        {
            if (oldest.State == TcpState.TimeWait)
            {
                oldest.Close(TcpCloseReason.Finished);
                return true;
            }
        }

        return false;
    }

    /// <summary>A segment for no connection (RFC 9293 section 3.10.7.1).</summary>
    private void AnswerStranger(FlowKey key, in TcpHeader header, int length)
    {
        if ((header.Flags & TcpFlags.Rst) != 0)
        {
            return;
        }

        if ((header.Flags & TcpFlags.Ack) != 0)
        {
            SendReset(key, header.Acknowledgment, 0, acknowledges: false);
            return;
        }

        uint end = header.Sequence + (uint)length;
        end += ((header.Flags & TcpFlags.Syn) != 0 ? 1u : 0) + ((header.Flags & TcpFlags.Fin) != 0 ? 1u : 0);
        SendReset(key, 0, end, acknowledges: true);
    }
}
