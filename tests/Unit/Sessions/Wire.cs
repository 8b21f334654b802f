using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Tests.Unit.Sessions;

/// <summary>Two connections inside the process, each way with so much room; it can break at a given byte, and what was on the way is lost then.</summary>
internal sealed class Wire
{
    private readonly Lock _lock = new();
    private readonly End _near;
    private readonly End _far;
    private TaskCompletionSource _changed = New();
    private long _left;
    private bool _broken;

    public Wire(long breakAfter = long.MaxValue, int room = 64 * 1024)
    {
        _left = breakAfter;
        _near = new End(this, new byte[room]);
        _far = new End(this, new byte[room]);
        (_near.Other, _far.Other) = (_far, _near);
    }

    public IConnection Near => _near;

    public IConnection Far => _far;

    /// <summary>Completes when it is broken or both ends are closed.</summary>
    public TaskCompletionSource Closed { get; } = New();

    public void Break()
    {
        lock (_lock)
        {
            _broken = true;
            Pulse();
        }

        Closed.TrySetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Pulse()
    {
        TaskCompletionSource old = _changed;
        _changed = New();
        old.SetResult();
    }

    private sealed class End(Wire wire, byte[] incoming) : IConnection
    {
        private readonly byte[] _incoming = incoming;
        private int _start;
        private int _count;
        private bool _ended; // nothing more comes

        public End Other { get; set; } = null!;

        public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
        {
            while (true)
            {
                Task changed;
                lock (wire._lock)
                {
                    ThrowIfBroken();
                    if (_count > 0 || _ended)
                    {
                        int count = Math.Min(Math.Min(_count, buffer.Length), _incoming.Length - _start);
                        _incoming.AsSpan(_start, count).CopyTo(buffer.Span);
                        _start = (_start + count) % _incoming.Length;
                        _count -= count;
                        wire.Pulse();
                        return count;
                    }

                    changed = wire._changed.Task;
                }

                await changed.WaitAsync(cancellation);
            }
        }

        public async ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default)
        {
            while (!data.IsEmpty)
            {
                Task? changed = null;
                lock (wire._lock)
                {
                    ThrowIfBroken();
                    int count = (int)Math.Min(Math.Min(data.FirstSpan.Length, Other._incoming.Length - Other._count), wire._left);
                    Other.Put(data.FirstSpan[..count]);
                    data = data.Slice(count);
                    wire._left -= count;
                    if (wire._left == 0)
                    {
                        wire._broken = true;
                    }

                    if (count > 0 || wire._broken)
                    {
                        wire.Pulse();
                    }
                    else if (!data.FirstSpan.IsEmpty)
                    {
                        changed = wire._changed.Task;
                    }
                    else
                    {
                        data = data.Slice(data.First.Length);
                    }
                }

                if (changed is not null)
                {
                    await changed.WaitAsync(cancellation);
                }
            }

            if (wire._broken)
            {
                wire.Closed.TrySetResult();
            }
        }

        public ValueTask FinishAsync(CancellationToken cancellation = default)
        {
            lock (wire._lock)
            {
                ThrowIfBroken();
                Other._ended = true;
                wire.Pulse();
            }

            return ValueTask.CompletedTask;
        }

        public void Abort()
        {
            bool orderly;
            lock (wire._lock)
            {
                orderly = _ended && Other._ended && _count == 0 && Other._count == 0;
            }

            if (!orderly)
            {
                wire.Break();
            }
        }

        public ValueTask DisposeAsync()
        {
            Abort();
            return ValueTask.CompletedTask;
        }

        private void Put(ReadOnlySpan<byte> bytes)
        {
            int end = (_start + _count) % _incoming.Length;
            int first = Math.Min(bytes.Length, _incoming.Length - end);
            bytes[..first].CopyTo(_incoming.AsSpan(end));
            bytes[first..].CopyTo(_incoming);
            _count += bytes.Length;
        }

        private void ThrowIfBroken()
        {
            if (wire._broken)
            {
                throw new CulvertException(FailureKind.Reset, "The wire broke.");
            }
        }
    }
}
