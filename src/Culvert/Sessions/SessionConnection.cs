using System;
using System.Buffers;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Flows;

namespace Culvert.Sessions;

/// <summary>
/// One stream of a session as a connection. While the session has no transport, reads and writes wait. A write returns when the session has room for its bytes, which is bounded; that is
/// the back-pressure.
/// </summary>
internal sealed class SessionConnection : SessionFlow, IConnection
{
    private readonly VshpStream _stream;
    private readonly string _what;
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _finished;
    private bool _aborted;

    /// <summary>Wraps a stream; called under the driver's lock.</summary>
    /// <param name="driver">Whose stream it is.</param>
    /// <param name="stream">The stream; its Tag becomes this.</param>
    /// <param name="what">Starts the sentences about failures: "The connection to …".</param>
    public SessionConnection(SessionDriver driver, VshpStream stream, string what)
        : base(driver, stream)
    {
        _stream = stream;
        _what = what;
    }

    /// <summary>Where it goes.</summary>
    public VshpDestination Destination => _stream.Destination;

    /// <summary>Completes when both ways are over, in whatever way, or the connection was disposed of.</summary>
    public Task Over => _over.Task;

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        using (Driver.Enter())
        {
            if (TryRead(buffer, cancellation, out int count))
            {
                return new ValueTask<int>(count);
            }
        }

        return WaitAndReadAsync(buffer, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default)
    {
        using (Driver.Enter())
        {
            if (TryWrite(ref data, cancellation))
            {
                return ValueTask.CompletedTask;
            }
        }

        return WaitAndWriteAsync(data, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask FinishAsync(CancellationToken cancellation = default)
    {
        using (Driver.Enter())
        {
            ThrowIfOver();
            _finished = true;
            _stream.Finish();
            return ValueTask.CompletedTask;
        }
    }

    /// <inheritdoc/>
    public void Abort()
    {
        using (Driver.Enter())
        {
            _aborted = true;
            _stream.Reset(VshpReason.Reset);
            WakeAll();
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        using (Driver.Enter())
        {
            _aborted = true;
            _stream.Release();
            WakeAll();
        }

        return ValueTask.CompletedTask;
    }

    private protected override void WakeAll()
    {
        base.WakeAll();
        _over.TrySetResult();
    }

    private protected override void ThrowIfOver()
    {
        if (_aborted)
        {
            throw new CulvertException(FailureKind.Reset, $"{_what} failed: it was closed on this side.");
        }

        if (_stream.IsOver && _stream.CloseReason != VshpReason.None)
        {
            throw SessionFailures.Of(_stream.CloseReason, _what);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitAndReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = Driver.Register(Readable, cancellation);
        while (true)
        {
            ValueTask wait;
            using (Driver.Enter())
            {
                if (TryRead(buffer, cancellation, out int count))
                {
                    return count;
                }

                wait = Readable.WaitAsync();
            }

            await wait;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAndWriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = Driver.Register(Writable, cancellation);
        while (true)
        {
            ValueTask wait;
            using (Driver.Enter())
            {
                if (TryWrite(ref data, cancellation))
                {
                    return;
                }

                wait = Writable.WaitAsync();
            }

            await wait;
        }
    }

    private bool TryRead(Memory<byte> buffer, CancellationToken cancellation, out int count)
    {
        count = 0;
        cancellation.ThrowIfCancellationRequested();
        ReadOnlySequence<byte> received = _stream.Received;
        if (received.IsEmpty || _aborted)
        {
            if (!_aborted && _stream.ReceiveFinished)
            {
                return true;
            }

            ThrowIfOver();
            return false;
        }

        count = (int)Math.Min(buffer.Length, received.Length);
        if (count > 0)
        {
            received.Slice(0, count).CopyTo(buffer.Span);
            _stream.Consume(count);
        }

        return true;
    }

    private bool TryWrite(ref ReadOnlySequence<byte> data, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        ThrowIfOver();
        if (_finished)
        {
            throw new InvalidOperationException("Nothing can be written behind the end.");
        }

        while (!data.IsEmpty)
        {
            Memory<byte> room = _stream.GetMemory();
            if (room.IsEmpty)
            {
                return false;
            }

            int count = (int)Math.Min(room.Length, data.Length);
            data.Slice(0, count).CopyTo(room.Span);
            _stream.Advance(count);
            data = data.Slice(count);
        }

        return true;
    }
}
