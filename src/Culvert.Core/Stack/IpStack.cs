#pragma warning disable CA1822, CA2201, IDE0060 // the seam; the implementation follows
using System;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>
/// TCP/IP in user space without sockets, clocks, threads or randomness: packets and the time come in, packets, events and the
/// next deadline go out. It accepts connections to any destination. All times are microseconds of one monotonic clock.
/// Belongs to one loop: not safe for use from two threads at a time.
/// </summary>
public sealed class IpStack
{
    /// <summary>Room for the headers of any packet the stack sends, and for a whole ICMP error.</summary>
    public const int HeaderRoom = 2048;

    /// <summary>A stack for one link. <paramref name="secret"/> (32 bytes) seeds sequence numbers and hashes (RFC 6528).</summary>
    public IpStack(StackOptions options, ReadOnlySpan<byte> secret, PacketPool pool) => throw new NotImplementedException();

    /// <summary>When <see cref="Advance"/> must be called next; long.MaxValue for never.</summary>
    public long NextDeadline => throw new NotImplementedException();

    /// <summary>Why, for traces and tests: the name of the timer that is due next.</summary>
    public string NextDeadlineReason => throw new NotImplementedException();

    /// <summary>Takes one packet from the link; ownership of <paramref name="packet"/> moves to the stack. Never throws for what it holds.</summary>
    public void Receive(PacketBuffer packet, long now) => throw new NotImplementedException();

    /// <summary>Runs the timers that are due.</summary>
    public void Advance(long now) => throw new NotImplementedException();

    /// <summary>The next thing to act on, oldest first.</summary>
    public bool TryNextEvent(out StackEvent happened) => throw new NotImplementedException();

    /// <summary>
    /// Builds the next packet to send; its headers in <paramref name="scratch"/> (<see cref="HeaderRoom"/> bytes). False when there is none. The packet
    /// counts as sent.
    /// </summary>
    public bool TryTransmit(long now, Span<byte> scratch, out OutgoingPacket packet) => throw new NotImplementedException();

    /// <summary>Answers an echo request with its own payload: <paramref name="request"/> is the event's buffer, and moves to the stack.</summary>
    public void ReplyEcho(PacketBuffer request, long now) => throw new NotImplementedException();

    /// <summary>Answers an echo request with an ICMP error; <paramref name="request"/> moves to the stack.</summary>
    public void RefuseEcho(PacketBuffer request, Refusal refusal, long now) => throw new NotImplementedException();
}
