using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Flows;

/// <summary>
/// A connection that is spoken to in messages first: what has arrived stays in <see cref="Buffered"/> until it is consumed, and what is left over
/// is what <see cref="ReadAsync"/> gives first.
/// </summary>
internal sealed class BufferedConnection : IConnection
{
    // Most messages of a handshake are smaller.
    private const int MessageRoom = 2048;

    private readonly IConnection _inner;
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private Task? _ahead;

    /// <summary>Takes over <paramref name="inner"/>.</summary>
    public BufferedConnection(IConnection inner) => _inner = inner;

    /// <summary>The connection underneath.</summary>
    public IConnection Inner => _inner;

    /// <summary>Bytes that have arrived and are not consumed. Valid until the next read or fill.</summary>
    public ReadOnlyMemory<byte> Buffered => _buffer is null ? default : _buffer.AsMemory(_start, _end - _start);

    /// <summary>A byte has arrived since the connection was made, or since <see cref="WaitAhead"/>.</summary>
    public bool HasReceived { get; private set; }

    /// <summary>Nothing has happened since <see cref="WaitAhead"/>.</summary>
    public bool IsQuiet => _ahead is { IsCompleted: false };

    /// <summary>
    /// Begins to wait for what nobody has asked for yet, and ends when there is something to read, the end, or a failure that the next fill will meet. Until that next
    /// fill, which goes on from here, nothing else may read.
    /// </summary>
    public Task WaitAhead()
    {
        HasReceived = false;
        return _ahead = WaitAsync();

        async Task WaitAsync()
        {
            try
            {
                await _inner.ReadAsync(Memory<byte>.Empty);
            }
            catch (CulvertException)
            {
                // The next read meets it.
            }
        }
    }

    /// <summary>Reads more behind <see cref="Buffered"/>, which may grow to <paramref name="limit"/> bytes; false at the end of the stream.</summary>
    public ValueTask<bool> FillAsync(int limit, CancellationToken cancellation = default) => FillAsync(limit, MessageRoom, cancellation);

    /// <summary>The same, making room for <paramref name="room"/> bytes at first (and for twice what is there later).</summary>
    public async ValueTask<bool> FillAsync(int limit, int room, CancellationToken cancellation)
    {
        int length = _end - _start;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(length, limit);
        if (length == 0)
        {
            Recycle();
            // No buffer while there is nothing to put in it: clients wait between their requests.
            if (_ahead is { } ahead)
            {
                await ahead.WaitAsync(cancellation);
                _ahead = null;
            }
            else
            {
                await _inner.ReadAsync(Memory<byte>.Empty, cancellation);
            }
        }

        Reserve(Math.Min(limit, Math.Max(room, length * 2)));
        int count = await _inner.ReadAsync(_buffer.AsMemory(_end, Math.Min(_buffer!.Length - _end, limit - length)), cancellation);
        _end += count;
        HasReceived |= count > 0;
        return count > 0;
    }

    /// <summary>Takes the first <paramref name="count"/> bytes off <see cref="Buffered"/>.</summary>
    public void Consume(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _end - _start);
        _start += count;
    }

    /// <summary>The connection to go on with when the talking is over: this one if bytes are left over, else the one underneath.</summary>
    public IConnection Unwrap()
    {
        if (_start < _end)
        {
            return this;
        }

        Recycle();
        return _inner;
    }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        int left = _end - _start;
        if (left == 0)
        {
            Recycle();
            return _inner.ReadAsync(buffer, cancellation);
        }

        int count = Math.Min(left, buffer.Length);
        _buffer.AsMemory(_start, count).CopyTo(buffer);
        _start += count;
        return new ValueTask<int>(count);
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default) => _inner.WriteAsync(data, cancellation);

    /// <inheritdoc/>
    public ValueTask FinishAsync(CancellationToken cancellation = default) => _inner.FinishAsync(cancellation);

    /// <inheritdoc/>
    public void Abort() => _inner.Abort();

    /// <summary>Closes the connection. Not while a read is under way: the buffer goes back to the pool.</summary>
    public ValueTask DisposeAsync()
    {
        Recycle();
        return _inner.DisposeAsync();
    }

    private void Reserve(int size)
    {
        if (_buffer is not null && _buffer.Length - _start >= size)
        {
            return;
        }

        int length = _end - _start;
        if (_buffer is not null && _buffer.Length >= size)
        {
            _buffer.AsSpan(_start, length).CopyTo(_buffer);
        }
        else
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(size);
            Buffered.Span.CopyTo(larger);
            Recycle();
            _buffer = larger;
        }

        _start = 0;
        _end = length;
    }

    private void Recycle()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            _start = 0;
            _end = 0;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
