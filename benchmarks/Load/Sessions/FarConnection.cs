using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Bench.Load.Sessions;

/// <summary>A destination behind the gateway that costs nothing: what it sends is whatever is in the reader's buffer, and what it takes is only counted. An echo keeps what came in one buffer.</summary>
internal sealed class FarConnection(ushort port) : IConnection, IValueTaskSource
{
    private readonly Lock _lock = new();
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = false };
    private byte[] _kept = [];
    private int _count;
    private bool _waiting;
    private bool _closed;
    private bool _finished;

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        if (port == SessionPorts.Source && !_closed)
        {
            return buffer.Length;
        }

        while (true)
        {
            lock (_lock)
            {
                if (_closed)
                {
                    throw new CulvertException(FailureKind.Reset, "It was closed.");
                }

                if (_count > 0 || _finished)
                {
                    int count = Math.Min(_count, buffer.Length);
                    _kept.AsSpan(0, count).CopyTo(buffer.Span);
                    _kept.AsSpan(count, _count - count).CopyTo(_kept);
                    _count -= count;
                    return count;
                }

                _core.Reset();
                _waiting = true;
            }

            await new ValueTask(this, _core.Version).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default)
    {
        if (port == SessionPorts.Sink)
        {
            Counters.AddBytes((int)data.Length);
        }
        else if (port == SessionPorts.Echo)
        {
            lock (_lock)
            {
                if (_kept.Length < _count + data.Length)
                {
                    Array.Resize(ref _kept, _count + (int)data.Length);
                }

                data.CopyTo(_kept.AsSpan(_count));
                _count += (int)data.Length;
            }

            Wake();
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask FinishAsync(CancellationToken cancellation = default)
    {
        _finished = true;
        Wake();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void Abort()
    {
        _closed = true;
        Wake();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Abort();
        return ValueTask.CompletedTask;
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Wake()
    {
        lock (_lock)
        {
            if (!_waiting)
            {
                return;
            }

            _waiting = false;
        }

        _core.SetResult(true);
    }
}
