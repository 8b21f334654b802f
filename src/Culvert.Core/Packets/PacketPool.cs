using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;

namespace Culvert.Core.Packets;

/// <summary>
/// Blocks for packets in two sizes, kept for reuse. It bounds what it keeps, not what is rented: those who hold buffers
/// (windows, tables) have limits of their own. Belongs to one loop: not safe for use from two threads at a time.
/// </summary>
public sealed class PacketPool
{
    /// <summary>Capacity of a small block: an Ethernet-sized packet with room to spare.</summary>
    public const int SmallSize = 2048;

    /// <summary>Capacity of a large block: the largest IP packet (64 KiB) with room for headers.</summary>
    public const int LargeSize = 65536 + 512;

    private readonly Stack<PacketBuffer> _small = new();
    private readonly Stack<PacketBuffer> _large = new();
    private readonly int _keepSmall;
    private readonly int _keepLarge;
    private readonly HashSet<PacketBuffer> _rented = []; // debug builds only

    /// <summary>A pool that keeps at most so many unused blocks of each size; more are left to the collector.</summary>
    public PacketPool(int keepSmall = 2048, int keepLarge = 64)
    {
        _keepSmall = keepSmall;
        _keepLarge = keepLarge;
    }

    /// <summary>Blocks rented and not yet given back. Zero at the end of every test.</summary>
    public int Outstanding { get; private set; }

    /// <summary>
    /// Rents a block of at least <paramref name="capacity"/> bytes (at most <see cref="LargeSize"/>), empty, owned once by the caller.
    /// </summary>
    public PacketBuffer Rent(int capacity, [CallerMemberName] string renter = "", [CallerFilePath] string file = "")
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, LargeSize);
        bool small = capacity <= SmallSize;
        PacketBuffer buffer = (small ? _small : _large).TryPop(out PacketBuffer? kept)
            ? kept
            : new PacketBuffer(this, GC.AllocateUninitializedArray<byte>(small ? SmallSize : LargeSize, pinned: true));
        buffer.Rented();
        Outstanding++;
#if DEBUG
        (buffer.Renter, buffer.RenterFile) = (renter, file); // both are constants: a debug build does not allocate either
        _rented.Add(buffer);
#endif
        return buffer;
    }

    internal void Return(PacketBuffer buffer)
    {
        Outstanding--;
#if DEBUG
        _rented.Remove(buffer);
        buffer.Array.AsSpan().Fill(0xDB); // whoever still reads it will notice
#endif
        bool small = buffer.Capacity == SmallSize;
        Stack<PacketBuffer> kept = small ? _small : _large;
        if (kept.Count < (small ? _keepSmall : _keepLarge))
        {
            kept.Push(buffer);
        }
    }

    /// <summary>Names the renters of blocks still out (debug builds; empty in release builds).</summary>
#pragma warning disable CA1822 // static in release builds only
    public IReadOnlyCollection<string> Leaks()
#pragma warning restore CA1822
    {
        List<string> names = [];
        foreach (PacketBuffer buffer in _rented)
        {
            names.Add($"{System.IO.Path.GetFileName(buffer.RenterFile)}:{buffer.Renter}");
        }

        return names;
    }
}
