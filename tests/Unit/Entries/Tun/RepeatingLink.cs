using System;
using System.Threading;
using Culvert.Core.Packets;
using Culvert.Platform.Links;
using Culvert.Platform.Linux;
using Xunit;

namespace Culvert.Tests.Unit.Entries.Tun;

/// <summary>
/// A link with offloads that gives one packet many times and counts what it is given, without an allocation of its own: what the loop's thread allocates is
/// the entry's.
/// </summary>
internal sealed class RepeatingLink(bool cutsDatagrams) : ILink, ISocketWatcher
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly LoopWaiter _waiter = new(device: null);
    private readonly ManualResetEventSlim _written = new();
    private byte[] _packet = [];
    private ushort _segmentSize;
    private int _left;
    private long _datagrams;
    private long _bytes;
    private long _wanted = long.MaxValue;
    private long _allocated;

    public string Name => "repeating";

    public int Mtu => 1500;

    public bool Offloads => true;

    public bool CutsDatagrams => cutsDatagrams;

    /// <summary>Bytes that the loop's thread had allocated when the last of what was waited for was written.</summary>
    public long Allocated => Volatile.Read(ref _allocated);

    /// <summary>Has the entry read <paramref name="packet"/> so many times.</summary>
    public void Give(byte[] packet, ushort segmentSize, int times)
    {
        _packet = packet;
        _segmentSize = segmentSize;
        Volatile.Write(ref _left, times);
        _waiter.Wake();
    }

    /// <summary>Waits until so many datagrams have been written, and checks that they have so many bytes.</summary>
    public void UntilWritten(long datagrams, long bytes)
    {
        Volatile.Write(ref _wanted, datagrams);
        while (Volatile.Read(ref _datagrams) < datagrams)
        {
            Assert.True(_written.Wait(Patience), $"{Volatile.Read(ref _datagrams)} of {datagrams} datagrams came");
            _written.Reset();
        }

        Assert.Equal((datagrams, bytes), (Volatile.Read(ref _datagrams), Volatile.Read(ref _bytes)));
    }

    public bool TryRead(PacketBuffer buffer)
    {
        if (Volatile.Read(ref _left) == 0)
        {
            return false;
        }

        _left--;
        _packet.CopyTo(buffer.Array, 0);
        buffer.Start = 0;
        buffer.Length = _packet.Length;
        buffer.Offload = new PacketOffload(ChecksumState.Partial, _segmentSize);
        return true;
    }

    public bool TryWrite(in OutgoingPacket packet)
    {
        int size = packet.Offload.SegmentSize;
        Volatile.Write(ref _bytes, _bytes + packet.Payload.Length);
        Volatile.Write(ref _allocated, GC.GetAllocatedBytesForCurrentThread());
        Volatile.Write(ref _datagrams, _datagrams + (size == 0 ? 1 : (packet.Payload.Length + size - 1) / size));
        if (_datagrams >= Volatile.Read(ref _wanted))
        {
            _written.Set();
        }

        return true;
    }

    public void Wait(long microseconds) => _waiter.Wait(microseconds);

    public void Wake() => _waiter.Wake();

    public void Watch(WatchedSocket socket, ILinkSocketUser user) => _waiter.Watch(socket, user);

    public void Unwatch(WatchedSocket socket) => _waiter.Unwatch(socket);

    public void Dispose() => _waiter.Dispose();
}
