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
/// the back-pressure. No thread of its own: what is there is taken under the driver's lock by whoever asks.
/// </summary>
internal sealed class SessionConnection : IConnection
{
    private readonly SessionDriver _driver;
    private readonly VshpStream _stream;
    private readonly string _what;
    private readonly Wake _readable = new();
    private readonly Wake _writable = new(); // before it is open: opened
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _opened;
    private bool _finished;
    private bool _aborted;

    /// <summary>Wraps a stream; called under the driver's lock.</summary>
    /// <param name="driver">Whose stream it is.</param>
    /// <param name="stream">The stream; its Tag becomes this.</param>
    /// <param name="what">Starts the sentences about failures: "The connection to …".</param>
    public SessionConnection(SessionDriver driver, VshpStream stream, string what)
    {
        _driver = driver;
        _stream = stream;
        _what = what;
        stream.Tag = this;
    }

    /// <summary>Where it goes.</summary>
    public VshpDestination Destination => _stream.Destination;

    /// <summary>Completes when both ways are over, in whatever way, or the connection was disposed of.</summary>
    public Task Over => _over.Task;

    /// <summary>Waits until the other side has connected, or says why it has not.</summary>
    public async ValueTask OpenedAsync(CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = _driver.Register(_writable, cancellation);
        while (true)
        {
            ValueTask wait;
            using (_driver.Enter())
            {
                if (_opened)
                {
                    return;
                }

                cancellation.ThrowIfCancellationRequested();
                ThrowIfOver();
                wait = _writable.WaitAsync();
            }

            await wait;
        }
    }

    /// <summary>We have connected what the other side asked for.</summary>
    public void Accept()
    {
        using (_driver.Enter())
        {
            _stream.Accept();
        }
    }

    /// <summary>We have not; the connection is over.</summary>
    public void Refuse(VshpReason reason)
    {
        using (_driver.Enter())
        {
            _stream.Refuse(reason);
            Woken();
        }
    }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        using (_driver.Enter())
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
        using (_driver.Enter())
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
        using (_driver.Enter())
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
        using (_driver.Enter())
        {
            _aborted = true;
            _stream.Reset(VshpReason.Reset);
            Woken();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        using (_driver.Enter())
        {
            _aborted = true;
            _stream.Release();
            Woken();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Something happened to the stream; called under the driver's lock.</summary>
    internal void Happened(SessionEventKind kind)
    {
        switch (kind)
        {
            case SessionEventKind.Opened:
                _opened = true;
                _writable.Set();
                break;
            case SessionEventKind.Readable:
                _readable.Set();
                break;
            case SessionEventKind.Writable:
                _writable.Set();
                break;
            default:
                Woken();
                break;
        }
    }

    private void Woken()
    {
        _readable.Set();
        _writable.Set();
        _over.TrySetResult();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitAndReadAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = _driver.Register(_readable, cancellation);
        while (true)
        {
            ValueTask wait;
            using (_driver.Enter())
            {
                if (TryRead(buffer, cancellation, out int count))
                {
                    return count;
                }

                wait = _readable.WaitAsync();
            }

            await wait;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAndWriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = _driver.Register(_writable, cancellation);
        while (true)
        {
            ValueTask wait;
            using (_driver.Enter())
            {
                if (TryWrite(ref data, cancellation))
                {
                    return;
                }

                wait = _writable.WaitAsync();
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

    private void ThrowIfOver()
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
}
