using System;
using System.Buffers;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Tests.Unit.Names;

/// <summary>One end of a connection inside the process: what one end writes, the other reads, in the pieces it was written in.</summary>
internal sealed class MemoryConnection : IConnection
{
    private readonly ChannelReader<byte[]> _incoming;
    private readonly ChannelWriter<byte[]> _outgoing;
    private ReadOnlyMemory<byte> _left;

    private MemoryConnection(ChannelReader<byte[]> incoming, ChannelWriter<byte[]> outgoing)
    {
        _incoming = incoming;
        _outgoing = outgoing;
    }

    /// <summary>Completes when this end has been disposed or aborted.</summary>
    public TaskCompletionSource Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static (MemoryConnection Near, MemoryConnection Far) Pair()
    {
        var there = Channel.CreateUnbounded<byte[]>();
        var back = Channel.CreateUnbounded<byte[]>();
        return (new MemoryConnection(back.Reader, there.Writer), new MemoryConnection(there.Reader, back.Writer));
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        while (_left.IsEmpty)
        {
            try
            {
                if (!await _incoming.WaitToReadAsync(cancellation))
                {
                    return 0;
                }
            }
            catch (CulvertException)
            {
                throw Reset();
            }

            if (_incoming.TryRead(out byte[]? next))
            {
                _left = next;
            }
        }

        int taken = Math.Min(buffer.Length, _left.Length);
        _left[..taken].CopyTo(buffer);
        _left = _left[taken..];
        return taken;
    }

    public ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default) =>
        _outgoing.TryWrite(data.ToArray()) ? ValueTask.CompletedTask : ValueTask.FromException(Reset());

    public ValueTask FinishAsync(CancellationToken cancellation = default)
    {
        _outgoing.TryComplete();
        return ValueTask.CompletedTask;
    }

    public void Abort()
    {
        _outgoing.TryComplete(Reset());
        Closed.TrySetResult();
    }

    public ValueTask DisposeAsync()
    {
        Abort();
        return ValueTask.CompletedTask;
    }

    private static CulvertException Reset() => new(FailureKind.Reset, "The other end of the test has gone.");
}
