using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>What happened in the stack that its user has to act on.</summary>
public enum StackEventKind : byte
{
    /// <summary>A SYN came: <see cref="StackEvent.Tcp"/> waits for Accept or Refuse.</summary>
    TcpOpening,

    /// <summary>Received bytes, or the peer's FIN, wait in <see cref="StackEvent.Tcp"/>.</summary>
    TcpReadable,

    /// <summary>Room in the send buffer again, after GetMemory had returned none.</summary>
    TcpWritable,

    /// <summary>The connection is over, see <see cref="TcpFlow.CloseReason"/>; the user still has to Release it.</summary>
    TcpClosed,

    /// <summary>
    /// A datagram came: <see cref="StackEvent.Buffer"/> (payload only) is the taker's to release; addressed to <see cref="StackEvent.Destination"/>. Where the
    /// buffer's offload names a segment size it is a run of datagrams of that size, the last of which may be shorter.
    /// </summary>
    Datagram,

    /// <summary>The UDP flow is over (idle, or pushed out by a limit).</summary>
    UdpClosed,

    /// <summary>An ICMP echo request came: answer with ReplyEcho or RefuseEcho. <see cref="StackEvent.Buffer"/> is the whole IP packet.</summary>
    EchoRequest,
}

/// <summary>One event of <see cref="IpStack.TryNextEvent"/>. Which members are set depends on <see cref="Kind"/>.</summary>
public readonly record struct StackEvent(
    StackEventKind Kind, TcpFlow? Tcp = null, UdpFlow? Udp = null, IpEndpoint Destination = default, PacketBuffer? Buffer = null);
