using System;
using System.Buffers;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>A pooled block of received bytes: a node of the sequence that the user reads.</summary>
internal sealed class ReadBlock : ReadOnlySequenceSegment<byte>
{
    private PacketBuffer? _buffer;

    public bool IsFull => _buffer is null || Memory.Length == _buffer.Capacity;

    public ReadBlock? Following => (ReadBlock?)Next;

    /// <summary>Holds an empty block, whose reference moves here, behind <paramref name="previous"/>.</summary>
    public void Hold(PacketBuffer buffer, ReadBlock? previous)
    {
        _buffer = buffer;
        RunningIndex = previous is null ? 0 : previous.RunningIndex + previous.Memory.Length;
        if (previous is not null)
        {
            previous.Next = this;
        }
    }

    /// <summary>Copies bytes behind those it has; returns how many fitted.</summary>
    public int Append(ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(bytes.Length, _buffer!.Capacity - Memory.Length);
        if (count > 0)
        {
            bytes[..count].CopyTo(_buffer.Array.AsSpan(Memory.Length));
            Memory = _buffer.Array.AsMemory(0, Memory.Length + count);
        }

        return count;
    }

    /// <summary>Gives the block back.</summary>
    public void Clear()
    {
        _buffer?.Release();
        _buffer = null;
        Memory = default;
        Next = null;
    }
}

/// <summary>Unused nodes, shared by the streams of a session. Bounded by <see cref="Keep"/>; more are left to the collector.</summary>
internal sealed class ReadBlockPool
{
    private const int Keep = 256;

    private readonly Stack<ReadBlock> _unused = new();

    public ReadBlock Rent() => _unused.TryPop(out ReadBlock? block) ? block : new ReadBlock();

    public void Return(ReadBlock block)
    {
        block.Clear();
        if (_unused.Count < Keep)
        {
            _unused.Push(block);
        }
    }
}
