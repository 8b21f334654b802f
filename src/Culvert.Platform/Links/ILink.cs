using System;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Platform.Links;

/// <summary>
/// A virtual network interface that gives and takes IP packets. Reads, writes and waits belong to one thread; only
/// <see cref="Wake"/> may be called from any. Closing it makes the interface go, and its routes and addresses with it.
/// </summary>
public interface ILink : IDisposable
{
    /// <summary>The interface's name.</summary>
    string Name { get; }

    /// <summary>Largest IP packet in bytes, headers included.</summary>
    int Mtu { get; }

    /// <summary>True when packets up to 64 KiB go both ways with <see cref="PacketOffload"/> (super-segments, partial checksums).</summary>
    bool Offloads { get; }

    /// <summary>True when runs of UDP datagrams too go both ways as super-segments.</summary>
    bool CutsDatagrams { get; }

    /// <summary>
    /// Further queues of the same interface, each a link of its own with a thread of its own; empty for most. A TCP flow's packets come by the queue that it was
    /// last answered on. They are closed by whoever drives them.
    /// </summary>
    IReadOnlyList<ILink> MoreQueues => [];

    /// <summary>
    /// Reads one packet into <paramref name="buffer"/> (sets Start, Length and Offload); false when none is waiting. Throws
    /// <see cref="Core.CulvertException"/> when the interface is gone.
    /// </summary>
    bool TryRead(PacketBuffer buffer);

    /// <summary>Writes one packet, or nothing: false when the interface cannot take it now (wait with <paramref name="packet"/> kept, or drop).</summary>
    bool TryWrite(in OutgoingPacket packet);

    /// <summary>
    /// Blocks until a packet is waiting, <see cref="Wake"/> was called (a call made before counts) or <paramref name="microseconds"/>
    /// have passed (negative: no limit).
    /// </summary>
    void Wait(long microseconds);

    /// <summary>Ends the current or the next <see cref="Wait"/>. From any thread.</summary>
    void Wake();
}
