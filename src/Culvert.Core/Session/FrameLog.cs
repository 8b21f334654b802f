using System;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>
/// The lasting frames of a side that the other has not acknowledged: the tail of its sequence. Each is a head (header, and what is small) and perhaps a slice of the block that its
/// data was written into. Those already handed to a transport come first; after a cut, all of them are handed out again.
/// </summary>
internal sealed class FrameLog(PacketPool pool)
{
    /// <summary>What a frame counts beyond its bytes.</summary>
    public const int FrameCharge = 64;

    private const int MinRing = 16;

    private Frame[] _ring = [];
    private int _first;
    private int _count;
    private int _handed; // frames from the first on that were handed out
    private long _settled; // up to here no transport reads the blocks any more
    private long _acknowledged;
    private PacketBuffer? _heads;

    private struct Frame
    {
        public PacketBuffer Head;
        public PacketBuffer? Data;
        public int HeadStart;
        public int HeadLength;
        public int DataStart;
        public int DataLength;

        public readonly int Length => HeadLength + DataLength;
    }

    /// <summary>Offset of the first byte held.</summary>
    public long Start { get; private set; }

    /// <summary>Offset behind the last byte handed out.</summary>
    public long Handed { get; private set; }

    /// <summary>Offset behind the last byte held.</summary>
    public long End { get; private set; }

    /// <summary>What counts against the limit.</summary>
    public long Charge => End - Start + ((long)_count * FrameCharge);

    /// <summary>Frames wait to be handed out.</summary>
    public bool HasUnsent => _handed < _count;

    private ref Frame this[int index] => ref _ring[(_first + index) & (_ring.Length - 1)];

    /// <summary>
    /// Appends a frame whose payload is written into the span returned, of the header's length. The span is valid until the next call.
    /// </summary>
    public Span<byte> Append(in FrameHeader header) => AddHead(header, header.Length, null, 0, 0);

    /// <summary>Appends a frame whose payload is a slice of <paramref name="data"/>, of which the log keeps a reference of its own.</summary>
    public void Append(in FrameHeader header, PacketBuffer data, int start)
    {
        data.AddReference();
        AddHead(header, 0, data, start, header.Length);
    }

    /// <summary>Hands out the next frame; false where there is none.</summary>
    public bool TryHand(OutputChain chain)
    {
        if (!HasUnsent)
        {
            return false;
        }

        ref Frame frame = ref this[_handed++];
        Handed += frame.Length;
        chain.Add(frame.Head.Array, frame.HeadStart, frame.HeadLength);
        if (frame.Data is not null)
        {
            chain.Add(frame.Data.Array, frame.DataStart, frame.DataLength);
        }

        return true;
    }

    /// <summary>The transport has taken what was handed out.</summary>
    public void Settle()
    {
        _settled = Handed;
        Drop();
    }

    /// <summary>The other has everything up to <paramref name="offset"/>; false where that cannot be.</summary>
    public bool TryAcknowledge(long offset)
    {
        if (offset < _acknowledged || offset > Handed)
        {
            return false;
        }

        _acknowledged = offset;
        Drop();
        return true;
    }

    /// <summary>
    /// On another transport everything behind <paramref name="offset"/> is handed out again; false where the other cannot have come just so far. What was handed out must be settled.
    /// </summary>
    public bool TryRewind(long offset)
    {
        if (!TryAcknowledge(offset))
        {
            return false;
        }

        _handed = 0;
        _settled = Start;
        Handed = Start;
        return Start == offset;
    }

    /// <summary>Nothing more is handed out. What a transport still reads goes with <see cref="Settle"/>.</summary>
    public void Abandon()
    {
        for (; _count > _handed; _count--)
        {
            ref Frame last = ref this[_count - 1];
            End -= last.Length;
            Release(ref last);
        }

        _acknowledged = End;
        Drop();
    }

    private Span<byte> AddHead(in FrameHeader header, int payload, PacketBuffer? data, int dataStart, int dataLength)
    {
        int length = FrameHeader.Size + payload;
        if (_heads is null || _heads.Capacity - _heads.Length < length)
        {
            _heads?.Release();
            _heads = pool.Rent(length > PacketPool.SmallSize / 2 || _count > MinRing ? PacketPool.LargeSize : PacketPool.SmallSize);
        }

        if (_count == _ring.Length)
        {
            Grow();
        }

        int start = _heads.Length;
        _heads.Length += length;
        _heads.AddReference();
        this[_count++] = new Frame { Head = _heads, HeadStart = start, HeadLength = length, Data = data, DataStart = dataStart, DataLength = dataLength };
        End += length + dataLength;
        header.Write(_heads.Array.AsSpan(start));
        return _heads.Array.AsSpan(start + FrameHeader.Size, payload);
    }

    private static void Release(ref Frame frame)
    {
        frame.Head.Release();
        frame.Data?.Release();
        frame = default;
    }

    /// <summary>Gives back the frames that are acknowledged and settled.</summary>
    private void Drop()
    {
        long until = Math.Min(_acknowledged, _settled);
        while (_handed > 0 && Start + this[0].Length <= until)
        {
            ref Frame frame = ref this[0];
            Start += frame.Length;
            Release(ref frame);
            _first = (_first + 1) & (_ring.Length - 1);
            _count--;
            _handed--;
        }

        if (_count == 0)
        {
            _heads?.Release();
            _heads = null;
        }
    }

    private void Grow()
    {
        Frame[] larger = new Frame[Math.Max(MinRing, _ring.Length * 2)];
        for (int i = 0; i < _count; i++)
        {
            larger[i] = this[i];
        }

        _ring = larger;
        _first = 0;
    }
}
