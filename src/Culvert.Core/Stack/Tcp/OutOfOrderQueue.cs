using System;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// Bytes received beyond a gap, sorted and without overlap. Bytes that came first stay. What it keeps from the pool is bounded by
/// <paramref name="maxPinned"/>: beyond, a segment is not taken, and its sender sends it again.
/// </summary>
internal sealed class OutOfOrderQueue(PacketPool pool, int maxPinned)
{
    private Piece[] _pieces = [];
    private int _count;
    private int _pinned;

    private struct Piece
    {
        public uint Start;
        public uint End;
        public PacketBuffer Buffer;
        public int Offset;
        public bool Own; // rented here: more may be appended

        public readonly int Room => Own ? Buffer.Capacity - Offset - Seq.Distance(Start, End) : 0;
    }

    public bool IsEmpty => _count == 0;

    /// <summary>
    /// Takes what is new of the bytes from <paramref name="start"/> on, in <paramref name="buffer"/> at <paramref name="offset"/>. False when some of
    /// it found no room. <paramref name="duplicate"/> is the first stretch that was held already, for a D-SACK.
    /// </summary>
    public bool Add(uint start, PacketBuffer buffer, int offset, int length, out SeqRange duplicate)
    {
        duplicate = default;
        uint end = start + (uint)length;
        int at = FindFirstEndingAfter(start);
        while (start != end)
        {
            uint next = at < _count ? Seq.Min(_pieces[at].Start, end) : end;
            if (Seq.Less(start, next))
            {
                int part = Seq.Distance(start, next);
                int added = Insert(at, start, buffer, offset, part);
                if (added < 0)
                {
                    return false;
                }

                at += added;
                start = next;
                offset += part;
            }
            else
            {
                uint known = Seq.Min(_pieces[at].End, end);
                if (duplicate.IsEmpty)
                {
                    duplicate = new SeqRange(start, known);
                }

                offset += Seq.Distance(start, known);
                start = known;
                at++;
            }
        }

        return true;
    }

    /// <summary>The stretch without a gap that <paramref name="sequence"/> lies in; empty when it is not held.</summary>
    public SeqRange RunAround(uint sequence)
    {
        int at = FindFirstEndingAfter(sequence);
        if (at == _count || Seq.Greater(_pieces[at].Start, sequence))
        {
            return default;
        }

        int first = at;
        while (first > 0 && _pieces[first - 1].End == _pieces[first].Start)
        {
            first--;
        }

        while (at + 1 < _count && _pieces[at + 1].Start == _pieces[at].End)
        {
            at++;
        }

        return new SeqRange(_pieces[first].Start, _pieces[at].End);
    }

    /// <summary>Moves what follows <paramref name="next"/> without a gap into <paramref name="queue"/>; returns the sequence number behind it.</summary>
    public uint MoveTo(ReceiveQueue queue, uint next)
    {
        int taken = 0;
        while (taken < _count && Seq.LessOrEqual(_pieces[taken].Start, next))
        {
            ref Piece piece = ref _pieces[taken++];
            if (Seq.Greater(piece.End, next))
            {
                int skip = Seq.Distance(piece.Start, next);
                queue.Append(piece.Buffer, piece.Offset + skip, Seq.Distance(next, piece.End));
                next = piece.End;
            }

            Drop(ref piece);
        }

        if (taken > 0)
        {
            Array.Copy(_pieces, taken, _pieces, 0, _count - taken);
            Array.Clear(_pieces, _count - taken, taken);
            _count -= taken;
        }

        return next;
    }

    /// <summary>Gives everything back.</summary>
    public void Clear()
    {
        for (int i = 0; i < _count; i++)
        {
            Drop(ref _pieces[i]);
        }

        _count = 0;
        _pieces = [];
    }

    private void Drop(ref Piece piece)
    {
        _pinned -= piece.Buffer.Capacity;
        piece.Buffer.Release();
        piece = default;
    }

    /// <summary>Returns how many pieces were inserted, -1 when the bound forbids.</summary>
    private int Insert(int at, uint start, PacketBuffer buffer, int offset, int length)
    {
        if (length * ReceiveQueue.CopyBelow >= buffer.Capacity)
        {
            if (_pinned + buffer.Capacity > maxPinned)
            {
                return -1;
            }

            buffer.AddReference();
            InsertPiece(at, new Piece { Start = start, End = start + (uint)length, Buffer = buffer, Offset = offset });
            return 1;
        }

        ReadOnlySpan<byte> bytes = buffer.Array.AsSpan(offset, length);
        if (at > 0 && _pieces[at - 1].End == start)
        {
            ref Piece before = ref _pieces[at - 1];
            int fits = Math.Min(before.Room, bytes.Length);
            if (fits > 0)
            {
                bytes[..fits].CopyTo(before.Buffer.Array.AsSpan(before.Offset + Seq.Distance(before.Start, before.End)));
                before.End += (uint)fits;
                bytes = bytes[fits..];
                start += (uint)fits;
            }
        }

        int added = 0;
        while (bytes.Length > 0)
        {
            if (_pinned + PacketPool.SmallSize > maxPinned)
            {
                return -1;
            }

            PacketBuffer block = pool.Rent(PacketPool.SmallSize);
            int count = Math.Min(bytes.Length, block.Capacity);
            bytes[..count].CopyTo(block.Array);
            InsertPiece(at + added++, new Piece { Start = start, End = start + (uint)count, Buffer = block, Own = true });
            bytes = bytes[count..];
            start += (uint)count;
        }

        return added;
    }

    private void InsertPiece(int at, in Piece piece)
    {
        if (_count == _pieces.Length)
        {
            Array.Resize(ref _pieces, Math.Max(16, _count * 2));
        }

        Array.Copy(_pieces, at, _pieces, at + 1, _count - at);
        _pieces[at] = piece;
        _count++;
        _pinned += piece.Buffer.Capacity;
    }

    private int FindFirstEndingAfter(uint sequence)
    {
        int low = 0;
        int high = _count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Seq.Greater(_pieces[middle].End, sequence))
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }
}
