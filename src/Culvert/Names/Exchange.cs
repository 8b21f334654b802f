using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Names;

/// <summary>
/// Several queries in flight over one channel to a server, answers in any order (RFC 7766 section 6.2.1.1). Closes itself when idle for long enough, and
/// when the server closes or the channel fails, which fails what is in flight.
/// </summary>
internal sealed class Exchange : IAsyncDisposable
{
    private readonly IMessageChannel _channel;
    private readonly TimeSpan _idle;
    private readonly Lock _gate = new();
    private readonly Dictionary<ushort, Flight> _flights = [];
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Timer _timer;
    private readonly Task _receiving;
    private long _received;
    private bool _closed;

    /// <summary>Takes over <paramref name="channel"/>; closes it after <paramref name="idle"/> without a query in flight.</summary>
    public Exchange(IMessageChannel channel, TimeSpan idle)
    {
        _channel = channel;
        _idle = idle;
        _timer = new Timer(_ => CloseIfIdle(), null, idle, Timeout.InfiniteTimeSpan);
        _receiving = ReceiveAsync();
    }

    /// <summary>False once it has closed: a new one is needed.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate)
            {
                return !_closed;
            }
        }
    }

    /// <summary>
    /// Sends <paramref name="query"/> up to <paramref name="tries"/> times, <paramref name="wait"/> apart, until an answer to it comes. Null when the exchange had closed
    /// before, or closes meanwhile without a failure: the query may go over another one.
    /// </summary>
    /// <exception cref="CulvertException">The channel failed, or the answer did not come in time.</exception>
    public async ValueTask<byte[]?> AskAsync(OutwardQuery query, int tries, TimeSpan wait, CancellationToken cancellation)
    {
        var flight = new Flight(query);
        if (!TryEnter(flight))
        {
            return null;
        }

        try
        {
            long received = Volatile.Read(ref _received);
            for (int sent = 0; sent < tries; sent++)
            {
                try
                {
                    // A server that does not take the query must not hold its client longer than it waits; sending goes on, since half a message would
                    // break the stream for all others.
                    await SendAsync(query.Message).WaitAsync(wait, cancellation).ConfigureAwait(false);
                    return await flight.Answer.Task.WaitAsync(wait, cancellation).ConfigureAwait(false);
                }
                catch (TimeoutException)
                {
                    // The next try, or the failure below.
                }
            }

            var silence = new CulvertException(FailureKind.TimedOut, "The DNS server did not answer in time.");
            if (received == Volatile.Read(ref _received))
            {
                // Nothing came at all, so the way there may be dead: the next query opens another.
                Close(silence);
            }

            throw silence;
        }
        finally
        {
            Leave(query.Id);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Close(null);
        await _receiving.ConfigureAwait(false);
    }

    private bool TryEnter(Flight flight)
    {
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            while (!_flights.TryAdd(flight.Query.Id, flight))
            {
                flight.Query.Renumber();
            }

            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return true;
        }
    }

    private void Leave(ushort id)
    {
        lock (_gate)
        {
            _flights.Remove(id);
            if (_flights.Count == 0 && !_closed)
            {
                _timer.Change(_idle, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private async Task SendAsync(ReadOnlyMemory<byte> message)
    {
        try
        {
            await _sending.WaitAsync(_stop.Token).ConfigureAwait(false);
            try
            {
                await _channel.SendAsync(message, _stop.Token).ConfigureAwait(false);
            }
            finally
            {
                _sending.Release();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Closed meanwhile, which every flight has been told.
        }
        catch (CulvertException e)
        {
            Close(e);
        }
    }

    private async Task ReceiveAsync()
    {
        CulvertException? failure = null;
        try
        {
            while (true)
            {
                ReadOnlyMemory<byte> message = await _channel.ReceiveAsync(_stop.Token).ConfigureAwait(false);
                if (message.IsEmpty)
                {
                    break;
                }

                Interlocked.Increment(ref _received);
                Deliver(message.Span);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Closed by us.
        }
        catch (CulvertException e)
        {
            failure = e;
        }

        Close(failure);
        await _channel.DisposeAsync().ConfigureAwait(false);
    }

    private void Deliver(ReadOnlySpan<byte> message)
    {
        Flight? flight;
        lock (_gate)
        {
            if (message.Length < 2 || !_flights.TryGetValue((ushort)((message[0] << 8) | message[1]), out flight))
            {
                return;
            }
        }

        if (flight.Query.TryAccept(message, out byte[] answer))
        {
            flight.Answer.TrySetResult(answer);
        }
    }

    private void CloseIfIdle()
    {
        lock (_gate)
        {
            if (_flights.Count > 0)
            {
                return;
            }
        }

        Close(null);
    }

    private void Close(CulvertException? failure)
    {
        List<Flight> left;
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            left = [.. _flights.Values];
        }

        _timer.Dispose();
        foreach (Flight flight in left)
        {
            if (failure is null)
            {
                flight.Answer.TrySetResult(null);
            }
            else
            {
                flight.Answer.TrySetException(failure);
            }
        }

        _stop.Cancel();
    }

    private sealed class Flight(OutwardQuery query)
    {
        public OutwardQuery Query { get; } = query;

        public TaskCompletionSource<byte[]?> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
