using System;
using System.Diagnostics;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>Bytes of a stream that were written and not yet framed, in the blocks they were written into. An idle one holds no block.</summary>
internal sealed class WriteQueue(PacketPool pool)
{
    private const int MinRing = 4;

    /// <summary>What is written into a large block: whole frames, so that none is cut by a block's end.</summary>
    private const int LargeRoom = PacketPool.LargeSize / Turns.MaxData * Turns.MaxData;

    private PacketBuffer[] _ring = [];
    private int _head;
    private int _count;
    private bool _large;

    /// <summary>Bytes held.</summary>
    public int Length { get; private set; }

    /// <summary>A block is lent to the writer.</summary>
    public bool IsLent { get; private set; }

    private ref PacketBuffer Tail => ref _ring[(_head + _count - 1) & (_ring.Length - 1)];

    /// <summary>Memory to write into, at most <paramref name="most"/> bytes; a large block only where <paramref name="large"/> ones are to be had.</summary>
    public Memory<byte> Lend(int most, bool large)
    {
        if (_count == 0 || (!IsLent && Room(Tail) * 8 < Tail.Capacity))
        {
            Add(pool.Rent(_large && large ? PacketPool.LargeSize : PacketPool.SmallSize));
        }

        IsLent = true;
        PacketBuffer tail = Tail;
        return tail.Array.AsMemory(tail.Start + tail.Length, Math.Min(Room(tail), most));
    }

    /// <summary>Takes back what is lent; its first <paramref name="count"/> bytes are to be sent.</summary>
    public void Commit(int count)
    {
        if (!IsLent)
        {
            throw new InvalidOperationException("Advance goes with GetMemory: no block is lent.");
        }

        PacketBuffer tail = Tail;
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Room(tail));
        _large = count == Room(tail) || count >= PacketPool.SmallSize;
        IsLent = false;
        tail.Length += count;
        Length += count;
        DropEmpty();
    }

    /// <summary>The oldest bytes that lie side by side: block, offset in its array, and how many, at most <paramref name="max"/>.</summary>
    public PacketBuffer Peek(int max, out int start, out int length)
    {
        PacketBuffer first = _ring[_head];
        start = first.Start;
        length = Math.Min(first.Length, max);
        return first;
    }

    /// <summary>The first <paramref name="count"/> bytes of what <see cref="Peek"/> gave are framed.</summary>
    public void Take(int count)
    {
        PacketBuffer first = _ring[_head];
        Debug.Assert(count <= first.Length, "what is taken was peeked at");
        first.Start += count;
        first.Length -= count;
        Length -= count;
        DropEmpty();
    }

    /// <summary>Gives up what is held; a block that is lent stays with the writer until <see cref="Commit"/>, whose bytes go too then.</summary>
    public void Clear()
    {
        while (_count > (IsLent ? 1 : 0))
        {
            DropFirst();
        }

        if (_count == 1)
        {
            Tail.Start += Tail.Length;
            Tail.Length = 0;
        }

        Length = 0;
    }

    private static int Room(PacketBuffer block) => Math.Min(block.Capacity, LargeRoom) - block.Start - block.Length;

    private void DropEmpty()
    {
        while (_count > 0 && _ring[_head].Length == 0 && !(_count == 1 && IsLent))
        {
            DropFirst();
        }
    }

    private void DropFirst()
    {
        _ring[_head].Release();
        _ring[_head] = null!;
        _head = (_head + 1) & (_ring.Length - 1);
        _count--;
    }

    private void Add(PacketBuffer block)
    {
        if (_count == _ring.Length)
        {
            PacketBuffer[] larger = new PacketBuffer[Math.Max(MinRing, _ring.Length * 2)];
            for (int i = 0; i < _count; i++)
            {
                larger[i] = _ring[(_head + i) & (_ring.Length - 1)];
            }

            _ring = larger;
            _head = 0;
        }

        _count++;
        Tail = block;
    }
}
