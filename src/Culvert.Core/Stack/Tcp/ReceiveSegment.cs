using System;
using System.Buffers;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack.Tcp;

/// <summary>A stretch of received bytes in a pooled block: a node of the sequence that the user reads. Reused by way of <see cref="ReceiveSegmentPool"/>.</summary>
internal sealed class ReceiveSegment : ReadOnlySequenceSegment<byte>
{
    private PacketBuffer? _buffer;
    private int _offset;

    /// <summary>The block was rented to gather small payloads and nobody else holds it: more may be appended.</summary>
    public bool IsOwn { get; private set; }

    public int Length => Memory.Length;

    /// <summary>Bytes of memory this node keeps from the pool.</summary>
    public int Pinned => _buffer?.Capacity ?? 0;

    /// <summary>Bytes that can be appended.</summary>
    public int Room => IsOwn ? Pinned - _offset - Length : 0;

    public ReceiveSegment? Following
    {
        get => (ReceiveSegment?)Next;
        set => Next = value;
    }

    /// <summary>Holds a slice of <paramref name="buffer"/>, whose reference moves here.</summary>
    public void Hold(PacketBuffer buffer, int offset, int length, long runningIndex, bool own)
    {
        _buffer = buffer;
        _offset = offset;
        IsOwn = own;
        Memory = buffer.Array.AsMemory(offset, length);
        RunningIndex = runningIndex;
    }

    /// <summary>Copies bytes behind those it has; returns how many fitted.</summary>
    public int Append(ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(bytes.Length, Room);
        if (count > 0)
        {
            bytes[..count].CopyTo(_buffer!.Array.AsSpan(_offset + Length));
            Memory = _buffer.Array.AsMemory(_offset, Length + count);
        }

        return count;
    }

    /// <summary>Gives the block back.</summary>
    public void Clear()
    {
        _buffer?.Release();
        _buffer = null;
        IsOwn = false;
        Memory = default;
        Next = null;
    }
}
