using System;
using System.Buffers;

namespace Culvert.Core.Session;

/// <summary>What is being handed to the transport: slices of blocks in their order, as one sequence. Slices that touch become one.</summary>
internal sealed class OutputChain
{
    private Node[] _nodes = [];
    private int _count;

    /// <summary>Bytes in it.</summary>
    public int Length { get; private set; }

    /// <summary>All slices; valid until <see cref="Clear"/>.</summary>
    public ReadOnlySequence<byte> Bytes => _count == 0
        ? ReadOnlySequence<byte>.Empty
        : new ReadOnlySequence<byte>(_nodes[0], 0, _nodes[_count - 1], _nodes[_count - 1].Count);

    /// <summary>Puts a slice behind the others. Who owns the block is the caller's affair.</summary>
    public void Add(byte[] array, int start, int count)
    {
        Length += count;
        if (_count > 0 && _nodes[_count - 1].TryExtend(array, start, count))
        {
            return;
        }

        if (_count == _nodes.Length)
        {
            Array.Resize(ref _nodes, Math.Max(8, _nodes.Length * 2));
            for (int i = _count; i < _nodes.Length; i++)
            {
                _nodes[i] = new Node();
            }
        }

        _nodes[_count].Hold(array, start, count, _count == 0 ? null : _nodes[_count - 1]);
        _count++;
    }

    /// <summary>Forgets the slices.</summary>
    public void Clear()
    {
        for (int i = 0; i < _count; i++)
        {
            _nodes[i].Clear();
        }

        _count = 0;
        Length = 0;
    }

    private sealed class Node : ReadOnlySequenceSegment<byte>
    {
        private byte[] _array = [];
        private int _start;

        public int Count { get; private set; }

        public void Hold(byte[] array, int start, int count, Node? previous)
        {
            (_array, _start, Count) = (array, start, count);
            Memory = array.AsMemory(start, count);
            RunningIndex = previous is null ? 0 : previous.RunningIndex + previous.Count;
            if (previous is not null)
            {
                previous.Next = this;
            }
        }

        public bool TryExtend(byte[] array, int start, int count)
        {
            if (!ReferenceEquals(array, _array) || start != _start + Count)
            {
                return false;
            }

            Count += count;
            Memory = array.AsMemory(_start, Count);
            return true;
        }

        public void Clear()
        {
            _array = [];
            Memory = default;
            Next = null;
        }
    }
}
