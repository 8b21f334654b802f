using System;
using System.Collections.Concurrent;
using System.Threading;
using Culvert.Core.Packets;
using Culvert.Platform.Links;

namespace Culvert.Tests.Unit.Entries.Tun;

/// <summary>A link inside the process: what the entry writes the test reads, and the other way round.</summary>
internal sealed class MemoryLink : ILink
{
    private readonly ConcurrentQueue<byte[]> _toEntry = new();
    private readonly AutoResetEvent _entryWakes = new(false);

    public string Name => "memory";

    public int Mtu => 1500;

    public bool Offloads => false;

    /// <summary>Packets the entry has written.</summary>
    public ConcurrentQueue<byte[]> FromEntry { get; } = new();

    /// <summary>Set when the entry has written something.</summary>
    public AutoResetEvent Written { get; } = new(false);

    /// <summary>Set when the entry has closed the link.</summary>
    public bool IsClosed { get; private set; }

    public void Inject(byte[] packet)
    {
        _toEntry.Enqueue(packet);
        _entryWakes.Set();
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

    public void Wait(long microseconds) => _entryWakes.WaitOne(microseconds < 0 ? Timeout.Infinite : (int)Math.Min(int.MaxValue, (microseconds + 999) / 1000));

    public void Wake() => _entryWakes.Set();

    public void Dispose() => IsClosed = true;
}
