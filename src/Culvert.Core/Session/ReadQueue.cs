using System;
using System.Buffers;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>Bytes of a stream that came and were not yet read, copied behind one another: small blocks for little, large ones once there is a backlog to fill them.</summary>
internal sealed class ReadQueue(PacketPool pool, ReadBlockPool blocks)
{
    private ReadBlock? _first;
    private ReadBlock? _last;
    private int _consumed; // bytes of the first block already read

    /// <summary>Bytes held.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes held, valid until consumed.</summary>
    public ReadOnlySequence<byte> Bytes => _first is null || _last is null
        ? ReadOnlySequence<byte>.Empty
        : new ReadOnlySequence<byte>(_first, _consumed, _last, _last.Memory.Length);

    /// <summary>Copies bytes behind those it has.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        if (_last is not null)
        {
            bytes = bytes[_last.Append(bytes)..];
        }

        while (bytes.Length > 0)
        {
            bool large = bytes.Length > PacketPool.SmallSize || Length >= 4 * PacketPool.SmallSize;
            ReadBlock block = blocks.Rent();
            block.Hold(pool.Rent(large ? PacketPool.LargeSize : PacketPool.SmallSize), _last);
            _first ??= block;
            _last = block;
            bytes = bytes[block.Append(bytes)..];
        }
    }

    /// <summary>Gives the first <paramref name="count"/> bytes back.</summary>
    public void Consume(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Length);
        Length -= (int)count;
        count += _consumed;
        while (_first is not null && (count > _first.Memory.Length || (count == _first.Memory.Length && (_first.IsFull || Length == 0))))
        {
            ReadBlock done = _first;
            count -= done.Memory.Length;
            _first = done.Following;
            blocks.Return(done);
        }

        _consumed = (int)count;
        if (_first is null)
        {
            _last = null;
        }
    }
}
