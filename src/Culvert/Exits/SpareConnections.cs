using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Exits;

/// <summary>
/// Connections to a proxy that are opened before a flow asks for one, so that it waits for its own request alone, and not for connecting and credentials. A flow that
/// finds none has one more kept from then on; one that nobody used for <see cref="IdleLimit"/> goes and is not replaced. So there are as many as there is use for, and
/// none on an idle machine. They live with the dialer that opened them. Safe for use from many threads.
/// </summary>
internal sealed class SpareConnections : IDisposable
{
    /// <summary>How long one is kept without use.</summary>
    public static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long an answer on one is waited for before a fresh connection is asked: the network may have changed under it without a word. Long enough for a
    /// destination that hears the second SYN only (RFC 6298: after 1 s).
    /// </summary>
    public static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(3);

    /// <summary>How long none is opened after the proxy refused one, or refused a flow's own connection while there were any: its places may be few.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    private readonly Func<IDialer, CancellationToken, ValueTask<BufferedConnection>> _open;
    private readonly int _limit;
    private readonly TimeProvider _clock;
    private readonly ITimer _sweeper;
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new(); // guards all below; nothing is awaited and no connection closed inside
    private readonly Dictionary<IDialer, Shelf> _shelves = [];
    private int _count; // ready or being opened, on all shelves
    private bool _isSweeping;
    private long? _pausedAt;

    /// <summary>Keeps none yet.</summary>
    /// <param name="open">Opens a connection that is ready for a request.</param>
    /// <param name="limit">The most that are kept at a time, for all dialers together; 0 for none.</param>
    /// <param name="clock">Says how long they have been kept.</param>
    public SpareConnections(Func<IDialer, CancellationToken, ValueTask<BufferedConnection>> open, int limit, TimeProvider clock)
    {
        _open = open;
        _limit = limit;
        _clock = clock;
        _sweeper = clock.CreateTimer(static spares => ((SpareConnections)spares!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many there are, ready or being opened.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>
    /// Has <paramref name="ask"/> send a request and read its answer, on a spare connection where there is one. If that one ends before the first byte of an answer, or
    /// is silent for too long, it was probably lost before the request came, and a fresh one is asked: the application has sent nothing yet, so nothing but the
    /// asking is done twice. Returns the connection with its answer.
    /// </summary>
    public async ValueTask<(BufferedConnection Connection, T Answer)> AskAsync<T>(
        IDialer dialer, Func<BufferedConnection, CancellationToken, ValueTask<T>> ask, CancellationToken cancellation)
    {
        BufferedConnection? spare = Take(dialer);
        if (spare is not null)
        {
            TopUp(dialer, oneMore: false);
            bool answered = false;
            using CancellationTokenSource limit = new(AnswerLimit, _clock);
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
            try
            {
                T answer = await ask(spare, patience.Token);
                answered = spare.HasReceived;
                if (answered)
                {
                    return (spare, answer);
                }
            }
            catch (CulvertException) when (!spare.HasReceived)
            {
                // It had ended.
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // It is silent.
            }
            finally
            {
                if (!answered)
                {
                    spare.Abort();
                }
            }

            DropAll(dialer); // what befell this one may have befallen the others
        }

        return await AskAsync(dialer, ask, oneMore: spare is null, cancellation);
    }

    /// <summary>The same on a fresh connection, which says nothing about how many more there will be.</summary>
    public ValueTask<(BufferedConnection Connection, T Answer)> AskFreshAsync<T>(
        IDialer dialer, Func<BufferedConnection, CancellationToken, ValueTask<T>> ask, CancellationToken cancellation) =>
        AskAsync(dialer, ask, oneMore: false, cancellation);

    /// <summary>Closes those there are, and opens no more.</summary>
    public void Dispose()
    {
        _ending.Cancel();
        _sweeper.Dispose();
    }

    private async ValueTask<(BufferedConnection Connection, T Answer)> AskAsync<T>(
        IDialer dialer, Func<BufferedConnection, CancellationToken, ValueTask<T>> ask, bool oneMore, CancellationToken cancellation)
    {
        BufferedConnection fresh = await OpenAsync(dialer, cancellation);
        try
        {
            TopUp(dialer, oneMore); // not before the flow has its own place
            return (fresh, await ask(fresh, cancellation));
        }
        catch
        {
            await fresh.DisposeAsync();
            throw;
        }
    }

    private async ValueTask<BufferedConnection> OpenAsync(IDialer dialer, CancellationToken cancellation)
    {
        try
        {
            return await _open(dialer, cancellation);
        }
        catch (CulvertException) when (TryMakeRoom())
        {
            return await _open(dialer, cancellation);
        }
    }

    // A proxy of few places may have had none for a flow because of ours.
    private bool TryMakeRoom()
    {
        List<Spare> all;
        lock (_lock)
        {
            all = [.. _shelves.Values.SelectMany(static shelf => shelf.Ready)];
            if (all.Count > 0)
            {
                _pausedAt = _clock.GetTimestamp();
            }
        }

        all.ForEach(Drop);
        return all.Count > 0;
    }

    private BufferedConnection? Take(IDialer dialer)
    {
        lock (_lock)
        {
            // The newest, so that the oldest become too old when there are more than are used. What is no longer quiet is about to be dropped.
            Spare? newest = _shelves.GetValueOrDefault(dialer)?.Ready.FindLast(static spare => spare.Connection.IsQuiet);
            if (newest is not null)
            {
                TryRemove(newest);
            }

            return newest?.Connection;
        }
    }

    private void TopUp(IDialer dialer, bool oneMore)
    {
        lock (_lock)
        {
            if (_limit == 0 || (_pausedAt is { } since && _clock.GetElapsedTime(since) < Pause) || FindShelf(dialer) is not { } shelf)
            {
                return;
            }

            _pausedAt = null;
            if (oneMore && shelf.Wanted < _limit)
            {
                shelf.Wanted++;
            }

            while (shelf.Ready.Count + shelf.Opening < shelf.Wanted && _count < _limit)
            {
                _count++;
                shelf.Opening++;
                Keep(shelf);
            }
        }
    }

    // The life of one of them, on the loop of the dialer where it has one.
    private async void Keep(Shelf shelf)
    {
        await Task.Yield(); // behind the request of the flow that is asking now
        BufferedConnection? connection = null;
        try
        {
            connection = await _open(shelf.Dialer, shelf.Ending);
        }
        catch (CulvertException)
        {
            // What is wrong with the proxy is told to whoever wants something of it.
        }
        catch (OperationCanceledException)
        {
            // The end.
        }

        Task end = connection?.WaitAhead() ?? Task.CompletedTask;
        if (TryAdd(shelf, connection) is { } spare)
        {
            await end;
            Drop(spare); // unless a flow has taken it
        }
        else
        {
            connection?.Abort();
        }
    }

    private Spare? TryAdd(Shelf shelf, BufferedConnection? connection)
    {
        lock (_lock)
        {
            shelf.Opening--;
            if (connection is not { Buffered.IsEmpty: true } || shelf.Ending.IsCancellationRequested)
            {
                // Refused, or it talks unasked (a flow will hear what is wrong), or this is the end.
                _count--;
                shelf.Wanted--;
                _pausedAt = _clock.GetTimestamp();
                return null;
            }

            Spare spare = new(shelf, connection, _clock.GetTimestamp());
            shelf.Ready.Add(spare);
            if (!_isSweeping)
            {
                _isSweeping = true;
                _sweeper.Change(IdleLimit, Timeout.InfiniteTimeSpan);
            }

            return spare;
        }
    }

    // Nobody has used it, so there is one less to keep.
    private void Drop(Spare spare)
    {
        lock (_lock)
        {
            if (!TryRemove(spare))
            {
                return;
            }

            spare.Shelf.Wanted--;
        }

        spare.Connection.Abort();
    }

    private void DropAll(IDialer dialer)
    {
        List<Spare> all;
        lock (_lock)
        {
            all = _shelves.TryGetValue(dialer, out Shelf? shelf) ? [.. shelf.Ready] : [];
        }

        all.ForEach(Drop);
    }

    private void Sweep()
    {
        List<Spare> old;
        lock (_lock)
        {
            long now = _clock.GetTimestamp();
            List<Spare> all = [.. _shelves.Values.SelectMany(static shelf => shelf.Ready)];
            old = all.FindAll(spare => _clock.GetElapsedTime(spare.Since, now) >= IdleLimit);
            _isSweeping = all.Count > old.Count;
            if (_isSweeping)
            {
                _sweeper.Change(IdleLimit - _clock.GetElapsedTime(all.Except(old).Min(static spare => spare.Since), now), Timeout.InfiniteTimeSpan);
            }
        }

        old.ForEach(Drop);
    }

    // The lock is the caller's, here and below. Null when the dialer or all of this has ended.
    private Shelf? FindShelf(IDialer dialer)
    {
        if (!_shelves.TryGetValue(dialer, out Shelf? shelf))
        {
            CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token, dialer.Ending);
            if (ending.IsCancellationRequested)
            {
                ending.Dispose();
                return null;
            }

            _shelves.Add(dialer, shelf = new Shelf(dialer, ending.Token));
            ending.Token.UnsafeRegister(
                state =>
                {
                    DropAll(dialer);
                    lock (_lock)
                    {
                        _shelves.Remove(dialer);
                    }

                    ending.Dispose();
                },
                null);
        }

        return shelf;
    }

    private bool TryRemove(Spare spare)
    {
        bool isThere = spare.Shelf.Ready.Remove(spare);
        _count -= isThere ? 1 : 0;
        return isThere;
    }

    private sealed record Spare(Shelf Shelf, BufferedConnection Connection, long Since);

    /// <summary>Those of one dialer, the oldest first.</summary>
    private sealed class Shelf(IDialer dialer, CancellationToken ending)
    {
        public IDialer Dialer => dialer;

        /// <summary>Cancelled when they shall go.</summary>
        public CancellationToken Ending => ending;

        public List<Spare> Ready { get; } = [];

        public int Opening { get; set; }

        /// <summary>How many to keep.</summary>
        public int Wanted { get; set; }
    }
}
