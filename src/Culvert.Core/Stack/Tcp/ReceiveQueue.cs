using System;
using System.Buffers;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// Bytes received in order and not yet consumed. Payloads stay in the blocks they came in; one that would keep a block at
/// less than a quarter full is copied behind what is there, so that memory stays below four times the bytes held, and one block.
/// </summary>
internal sealed class ReceiveQueue(PacketPool pool, ReceiveSegmentPool nodes)
{
    /// <summary>A payload that fills less than one in so many bytes of its block is copied out of it.</summary>
    public const int CopyBelow = 4;

    private ReceiveSegment? _first;
    private ReceiveSegment? _last;
    private int _consumed; // bytes of the first node already consumed

    /// <summary>Bytes held.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes held, valid until consumed.</summary>
    public ReadOnlySequence<byte> Bytes => _first is null || _last is null
        ? ReadOnlySequence<byte>.Empty
        : new ReadOnlySequence<byte>(_first, _consumed, _last, _last.Length);

    /// <summary>Appends a slice of <paramref name="buffer"/>; takes a reference of its own when it keeps the block.</summary>
    public void Append(PacketBuffer buffer, int offset, int length)
    {
        if (length == 0)
        {
            return;
        }

        if (length * CopyBelow >= buffer.Capacity)
        {
            buffer.AddReference();
            AddNode(buffer, offset, length, own: false);
        }
        else
        {
            Copy(buffer.Array.AsSpan(offset, length));
        }

        Length += length;
    }

    /// <summary>Gives the first <paramref name="count"/> bytes back.</summary>
    public void Consume(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Length);
        Length -= (int)count;
        count += _consumed;
        while (_first is not null && count >= _first.Length)
        {
            ReceiveSegment done = _first;
            count -= done.Length;
            _first = done.Following;
            nodes.Return(done);
        }

        _consumed = (int)count;
        if (_first is null)
        {
            _last = null;
        }
    }

    private void Copy(ReadOnlySpan<byte> bytes)
    {
        if (_last is not null)
        {
            bytes = bytes[_last.Append(bytes)..];
        }

        while (bytes.Length > 0)
        {
            // Large blocks once there is a backlog to fill them; an idle flow holds a small one.
            bool large = bytes.Length > PacketPool.SmallSize || Length >= 4 * PacketPool.SmallSize;
            PacketBuffer block = pool.Rent(large ? PacketPool.LargeSize : PacketPool.SmallSize);
            bytes = bytes[AddNode(block, 0, 0, own: true).Append(bytes)..];
        }
    }

    private ReceiveSegment AddNode(PacketBuffer buffer, int offset, int length, bool own)
    {
        ReceiveSegment node = nodes.Rent();
        node.Hold(buffer, offset, length, _last is null ? 0 : _last.RunningIndex + _last.Length, own);
        if (_last is null)
        {
            _first = node;
        }
        else
        {
            _last.Following = node;
        }

        _last = node;
        return node;
    }
}
