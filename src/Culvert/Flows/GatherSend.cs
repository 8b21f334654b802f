using System;
using System.Buffers;
using System.Collections.Generic;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;

namespace Culvert.Flows;

/// <summary>
/// Sends the segments of a sequence by one system call, without garbage per call: a socket operation that is kept and used again. One send at a time.
/// </summary>
internal sealed class GatherSend : SocketAsyncEventArgs, IValueTaskSource<int>
{
    /// <summary>Segments given to the system at a time; a longer sequence takes several calls.</summary>
    public const int MaxSegments = 64;

    private readonly List<ArraySegment<byte>> _segments = new(MaxSegments);
    private ManualResetValueTaskSourceCore<int> _source = new() { RunContinuationsAsynchronously = false };

    public GatherSend()
        : base(true)
    {
    }

    /// <summary>
    /// Takes up to <see cref="MaxSegments"/> segments from the start of <paramref name="data"/>; the bytes taken, or 0 when the first segment is not
    /// an array's memory and must be sent by itself.
    /// </summary>
    public long Load(ReadOnlySequence<byte> data)
    {
        _segments.Clear();
        long taken = 0;
        foreach (ReadOnlyMemory<byte> memory in data)
        {
            if (_segments.Count == MaxSegments || !MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment))
            {
                break;
            }

            if (segment.Count > 0)
            {
                _segments.Add(segment);
                taken += segment.Count;
            }
        }

        return taken;
    }

    /// <summary>Sends what was loaded; the bytes the system took, which may be fewer.</summary>
    public ValueTask<int> SendAsync(Socket socket)
    {
        BufferList = _segments;
        _source.Reset();
        if (socket.SendAsync(this))
        {
            return new ValueTask<int>(this, _source.Version);
        }

        return SocketError == SocketError.Success ? new ValueTask<int>(BytesTransferred) : ValueTask.FromException<int>(new SocketException((int)SocketError));
    }

    /// <summary>Lets go of the memory that was sent.</summary>
    public void Unload()
    {
        _segments.Clear();
        BufferList = null;
    }

    int IValueTaskSource<int>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    /// <inheritdoc/>
    protected override void OnCompleted(SocketAsyncEventArgs e)
    {
        if (SocketError == SocketError.Success)
        {
            _source.SetResult(BytesTransferred);
        }
        else
        {
            _source.SetException(new SocketException((int)SocketError));
        }
    }
}
