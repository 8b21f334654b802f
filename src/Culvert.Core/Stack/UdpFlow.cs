#pragma warning disable CA1822, CA2201, IDE0060 // the seam; the implementation follows
using System;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>
/// The UDP endpoint of an application: all datagrams from <see cref="Source"/>, to whatever destination (endpoint-independent mapping, RFC 4787).
/// Opened by the first Datagram event that carries it, over with UdpClosed.
/// </summary>
public sealed class UdpFlow
{
    /// <summary>The application's end.</summary>
    public IpEndpoint Source => throw new NotImplementedException();

    /// <summary>The stack's user keeps its own state here.</summary>
    public object? Tag { get; set; }

    /// <summary>
    /// Queues a datagram to the application as coming from <paramref name="from"/>; fragmented when it exceeds the MTU. False (and dropped) when the
    /// stack's queue is full or the payload is too long for one datagram.
    /// </summary>
    public bool Send(IpEndpoint from, ReadOnlySpan<byte> payload, long now) => throw new NotImplementedException();

    /// <summary>Answers the last datagram to <paramref name="destination"/> with an ICMP error.</summary>
    public void Refuse(IpEndpoint destination, Refusal refusal, long now) => throw new NotImplementedException();

    /// <summary>Closes the flow; the next datagram opens another. No event follows.</summary>
    public void Close() => throw new NotImplementedException();
}
