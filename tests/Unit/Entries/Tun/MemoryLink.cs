using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;
using Culvert.Core.Packets;
using Culvert.Platform.Links;
using Culvert.Platform.Linux;

namespace Culvert.Tests.Unit.Entries.Tun;

/// <summary>
/// A link inside the process: what the entry writes the test reads, and the other way round. It watches sockets with the waiter of the real one.
/// </summary>
internal sealed class MemoryLink : ILink, ISocketWatcher
{
    private readonly ConcurrentQueue<byte[]> _toEntry = new();
    private readonly LoopWaiter _waiter = new(device: null);

    public string Name => "memory";

    public int Mtu => 1500;

    public bool Offloads => false;

    public IReadOnlyList<ILink> MoreQueues { get; init; } = [];

    public bool CutsDatagrams => false;

    /// <summary>Packets the entry has written.</summary>
    public ConcurrentQueue<byte[]> FromEntry { get; } = new();

    /// <summary>Set when the entry has written something.</summary>
    public AutoResetEvent Written { get; } = new(false);

    /// <summary>Set when the entry has closed the link.</summary>
    public bool IsClosed { get; private set; }

    public void Inject(byte[] packet)
    {
        _toEntry.Enqueue(packet);
        _waiter.Wake();
    }

    public bool TryRead(PacketBuffer buffer)
    {
        if (!_toEntry.TryDequeue(out byte[]? packet))
        {
            return false;
        }

        packet.CopyTo(buffer.Array, 0);
        buffer.Start = 0;
        buffer.Length = packet.Length;
        return true;
    }

    public bool TryWrite(in OutgoingPacket packet)
    {
        FromEntry.Enqueue([.. packet.Header, .. packet.Payload]);
        Written.Set();
        return true;
    }

    public void Wait(long microseconds) => _waiter.Wait(microseconds);

    public void Wake() => _waiter.Wake();

    public void Watch(WatchedSocket socket, ILinkSocketUser user) => _waiter.Watch(socket, user);

    public void Unwatch(WatchedSocket socket) => _waiter.Unwatch(socket);

    public void Dispose()
    {
        IsClosed = true;
        _waiter.Dispose();
    }
}
