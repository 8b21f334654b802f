using System;
using System.Buffers;
using System.Collections.Generic;
using Culvert.Core.Session;

namespace Culvert.Tests.Simulation.Sessions;

/// <summary>
/// One direction of a transport: takes what a session hands out in pieces of any size, reading its memory only then, and gives it to the other in pieces of any size.
/// </summary>
internal sealed class SessionWire
{
    private readonly Queue<byte[]> _underway = new();
    private ReadOnlySequence<byte> _writing;
    private bool _isWriting;
    private int _headTaken;

    /// <summary>Bytes taken and not yet delivered.</summary>
    public int Underway { get; private set; }

    /// <summary>Takes up to <paramref name="count"/> bytes from <paramref name="from"/>; false where there are none.</summary>
    public bool Take(VshpSession from, int count, long now)
    {
        if (!_isWriting)
        {
            _writing = from.Transmit(now);
            _isWriting = !_writing.IsEmpty;
            if (!_isWriting)
            {
                return false;
            }
        }

        count = (int)Math.Min(count, _writing.Length);
        if (count > 0)
        {
            _underway.Enqueue(_writing.Slice(0, count).ToArray());
            Underway += count;
            _writing = _writing.Slice(count);
        }

        if (_writing.IsEmpty)
        {
            _isWriting = false;
            from.Transmitted(now);
        }

        return true;
    }

    /// <summary>The next bytes, at most <paramref name="count"/>.</summary>
    public ReadOnlySpan<byte> Next(int count)
    {
        if (!_underway.TryPeek(out byte[]? head))
        {
            return default;
        }

        ReadOnlySpan<byte> bytes = head.AsSpan(_headTaken);
        bytes = bytes[..Math.Min(count, bytes.Length)];
        _headTaken += bytes.Length;
        Underway -= bytes.Length;
        if (_headTaken == head.Length)
        {
            _underway.Dequeue();
            _headTaken = 0;
        }

        return bytes;
    }

    /// <summary>Everything on it is lost; whoever writes is to be told by Detach.</summary>
    public void Cut()
    {
        _underway.Clear();
        _headTaken = 0;
        Underway = 0;
        _isWriting = false;
        _writing = default;
    }
}
