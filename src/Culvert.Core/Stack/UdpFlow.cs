using System;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>
/// The UDP endpoint of an application: all datagrams from <see cref="Source"/>, to whatever destination (endpoint-independent mapping, RFC 4787).
/// Opened by the first Datagram event that carries it, over with UdpClosed; then nothing is sent any more.
/// </summary>
public sealed class UdpFlow
{
    private readonly IpStack _stack;

    internal UdpFlow(IpStack stack, IpEndpoint source)
    {
        _stack = stack;
        Source = source;
    }

    /// <summary>The application's end.</summary>
    public IpEndpoint Source { get; }

    /// <summary>The stack's user keeps its own state here.</summary>
    public object? Tag { get; set; }

    internal bool IsClosed { get; set; }

    /// <summary>When a datagram last went either way.</summary>
    internal long UsedAt { get; set; }

    /// <summary>Neighbours in the stack's list by <see cref="UsedAt"/>.</summary>
    internal UdpFlow? Idler { get; set; }

    internal UdpFlow? Busier { get; set; }

    /// <summary>
    /// Queues a datagram to the application as coming from <paramref name="from"/>; fragmented when it exceeds the MTU. False (and dropped) when the
    /// stack's queue is full (<see cref="StackOptions.MaxDatagramBytes"/>), the payload is too long for one datagram, <paramref name="from"/> is of the
    /// other IP version, or the flow is over.
    /// </summary>
    public bool Send(IpEndpoint from, ReadOnlySpan<byte> payload, long now)
    {
        if (IsClosed)
        {
            return false;
        }

        _stack.Used(this, now);
        return _stack.SendDatagram(from, Source, payload);
    }

    /// <summary>
    /// Queues a run of datagrams, each of <paramref name="segmentSize"/> bytes but for the last, which may be shorter; ownership of <paramref name="run"/>
    /// moves to the stack. False when they were dropped, or some of them, for the reasons of the other one.
    /// </summary>
    public bool Send(IpEndpoint from, PacketBuffer run, int segmentSize, long now)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(segmentSize);
        if (IsClosed)
        {
            run.Release();
            return false;
        }

        _stack.Used(this, now);
        return _stack.SendDatagrams(from, Source, run, segmentSize);
    }

    /// <summary>Answers a datagram to <paramref name="destination"/> with an ICMP error that quotes its addresses and ports.</summary>
    public void Refuse(IpEndpoint destination, Refusal refusal, long now)
    {
        if (destination.Address.IsV4 == Source.Address.IsV4)
        {
            _stack.RefuseDatagram(Source, destination, refusal, now);
        }
    }

    /// <summary>Closes the flow; the next datagram opens another. No event follows, but for datagrams that came before.</summary>
    public void Close()
    {
        if (!IsClosed)
        {
            IsClosed = true;
            _stack.Remove(this);
        }
    }
}
