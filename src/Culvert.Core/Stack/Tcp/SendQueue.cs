using System;
using System.Diagnostics;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// Bytes to send and not yet acknowledged, in the blocks they were written into, addressed by sequence number. Blocks hold whole
/// segments where they can, so that a block filled to the brim leaves as one super-segment.
/// </summary>
internal sealed class SendQueue(PacketPool pool, int limit)
{
    private const int MinRing = 4;

    private Block[] _ring = [];
    private int _head;
    private int _count;
    private bool _lent;
    private bool _large;

    private struct Block
    {
        public PacketBuffer Buffer;
        public uint Start; // sequence number of the block's first byte in Array[0]
        public int Limit; // bytes it may hold
    }

    /// <summary>Sequence number of the oldest byte held.</summary>
    public uint Start { get; private set; }

    /// <summary>Sequence number behind the last byte written.</summary>
    public uint End { get; private set; }

    /// <summary>Bytes held.</summary>
    public int Length => Seq.Distance(Start, End);

    /// <summary>Room enough again that asking for memory is worth while.</summary>
    public bool IsWritable => limit - Length >= Math.Min(PacketPool.LargeSize, limit / 4);

    /// <summary>A block is lent to the user.</summary>
    public bool IsLent => _lent;

    private ref Block Tail => ref this[_count - 1];

    private ref Block this[int index] => ref _ring[(_head + index) & (_ring.Length - 1)];

    /// <summary>The first byte written will have this sequence number.</summary>
    public void Begin(uint sequence)
    {
        Debug.Assert(_count == 0, "a queue begins empty");
        Start = sequence;
        End = sequence;
    }

    /// <summary>
    /// Memory to write into, empty when the queue is full. A new block holds whole segments of <paramref name="mss"/> bytes, at most
    /// <paramref name="most"/> bytes of them.
    /// </summary>
    public Memory<byte> Lend(int mss, int most)
    {
        if (!_lent && !IsWritable)
        {
            return default;
        }

        if (_count == 0 || (!_lent && Room(Tail) * 8 < Tail.Limit))
        {
            AddBlock(mss, most);
        }

        _lent = true;
        ref Block tail = ref Tail;
        int used = Seq.Distance(tail.Start, End);
        return tail.Buffer.Array.AsMemory(used, Math.Min(tail.Limit - used, limit - Length));
    }

    /// <summary>Takes the memory lent back; its first <paramref name="count"/> bytes are to be sent, unless not to <paramref name="keep"/> them.</summary>
    public void Commit(int count, bool keep)
    {
        if (!_lent)
        {
            throw new InvalidOperationException("Advance goes with GetMemory: no block is lent.");
        }

        ref Block tail = ref Tail;
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Room(tail));
        _large = count == Room(tail) || count >= PacketPool.SmallSize;
        _lent = false;
        End += keep ? (uint)count : 0;
        if (Length == 0)
        {
            DropBlocks(); // an idle flow holds no memory
        }
    }

    /// <summary>The bytes from <paramref name="sequence"/> on that lie side by side, at most <paramref name="max"/>.</summary>
    public ReadOnlySpan<byte> Peek(uint sequence, int max)
    {
        int index = Find(sequence);
        ref Block block = ref this[index];
        int length = Math.Min(Seq.Distance(sequence, EndOf(index)), max);
        return block.Buffer.Array.AsSpan(Seq.Distance(block.Start, sequence), length);
    }

    /// <summary>How many bytes <see cref="Peek"/> gives.</summary>
    public int Contiguous(uint sequence, int max) => Math.Min(Seq.Distance(sequence, EndOf(Find(sequence))), max);

    /// <summary>Everything before <paramref name="sequence"/> has arrived.</summary>
    public void Acknowledge(uint sequence)
    {
        Start = sequence;
        while (_count > 0)
        {
            if (Seq.Greater(EndOf(0), sequence) || (_count == 1 && _lent))
            {
                return;
            }

            DropFirst();
        }
    }

    /// <summary>Gives up what was to be sent; what is lent stays with the user until <see cref="Commit"/> or <see cref="DropBlocks"/>.</summary>
    public void Clear() => Acknowledge(End);

    /// <summary>Gives every block back, lent or not.</summary>
    public void DropBlocks()
    {
        while (_count > 0)
        {
            DropFirst();
        }

        _lent = false;
    }

    private void DropFirst()
    {
        ref Block first = ref this[0];
        first.Buffer.Release();
        first.Buffer = null!;
        _head = (_head + 1) & (_ring.Length - 1);
        _count--;
    }

    private int Room(in Block block) => block.Limit - Seq.Distance(block.Start, End);

    private uint EndOf(int index) => index == _count - 1 ? End : this[index + 1].Start;

    private int Find(uint sequence)
    {
        int low = 0;
        int high = _count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (Seq.LessOrEqual(this[middle].Start, sequence))
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }

    private void AddBlock(int mss, int most)
    {
        PacketBuffer buffer = pool.Rent(_large ? PacketPool.LargeSize : PacketPool.SmallSize);
        most = Math.Min(buffer.Capacity, Math.Max(most, mss));
        if (_count == _ring.Length)
        {
            Grow();
        }

        _count++;
        this[_count - 1] = new Block { Buffer = buffer, Start = End, Limit = most >= mss ? most - (most % mss) : most };
    }

    private void Grow()
    {
        Block[] larger = new Block[Math.Max(MinRing, _ring.Length * 2)];
        for (int i = 0; i < _count; i++)
        {
            larger[i] = this[i];
        }

        _ring = larger;
        _head = 0;
    }
}
