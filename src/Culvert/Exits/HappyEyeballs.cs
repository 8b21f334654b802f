using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Exits;

/// <summary>
/// Connects to the first of several addresses that answers (RFC 8305): families take turns, attempts start one after the other without waiting
/// for each other's end, and the losers are dropped.
/// </summary>
internal static class HappyEyeballs
{
    /// <summary>Time from the start of one attempt to the start of the next (RFC 8305 section 8).</summary>
    public static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);

    /// <summary>Addresses tried at most; names with more lose their last ones.</summary>
    public const int MaxAttempts = 8;

    /// <summary>Families in turn, each in its given order, the first address's family first (RFC 8305 section 4).</summary>
    public static List<IPAddress> Interleave(IReadOnlyList<IPAddress> addresses)
    {
        Queue<IPAddress> same = new();
        Queue<IPAddress> other = new();
        foreach (IPAddress address in addresses)
        {
            (address.AddressFamily == addresses[0].AddressFamily ? same : other).Enqueue(address);
        }

        List<IPAddress> order = new(addresses.Count);
        while (order.Count < MaxAttempts && (same.Count > 0 || other.Count > 0))
        {
            if (same.TryDequeue(out IPAddress? next))
            {
                order.Add(next);
            }

            if (order.Count < MaxAttempts && other.TryDequeue(out next))
            {
                order.Add(next);
            }
        }

        return order;
    }

    /// <summary>
    /// A connection to one of <paramref name="addresses"/> (in the order given). When none answers, the failure that says most: a host that
    /// refused is nearer than one that cannot be reached, and that nearer than silence.
    /// </summary>
    public static ValueTask<IConnection> ConnectAsync(
        IReadOnlyList<IPAddress> addresses, int port, IDialer dialer, OutgoingInterface? outgoing, string what, CancellationToken cancellation) => addresses.Count == 1
            ? dialer.DialAsync(new IPEndPoint(addresses[0], port), outgoing, what, cancellation)
            : RaceAsync(addresses.Count, (i, token) => dialer.DialAsync(new IPEndPoint(addresses[i], port), outgoing, what, token), what, cancellation);

    /// <summary>The same for <paramref name="count"/> ways, whatever they are, each opened by its number.</summary>
    public static async ValueTask<IConnection> RaceAsync(int count, Func<int, CancellationToken, ValueTask<IConnection>> open, string what, CancellationToken cancellation)
    {
        using CancellationTokenSource race = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        List<Task<IConnection>> running = [];
        CulvertException? failure = null;
        int next = 0;
        try
        {
            while (next < count || running.Count > 0)
            {
                Task? pause = null;
                if (next < count)
                {
                    running.Add(open(next++, race.Token).AsTask());
                    pause = next < count ? Task.Delay(AttemptDelay, race.Token) : null;
                }

                // Until one ends, or it is time for the next.
                while (running.Count > 0)
                {
                    Task<Task<IConnection>> any = Task.WhenAny(running);
                    if (pause is not null && await Task.WhenAny(any, pause) == pause)
                    {
                        break;
                    }

                    Task<IConnection> ended = await any;
                    running.Remove(ended);
                    try
                    {
                        return await ended;
                    }
                    catch (CulvertException e)
                    {
                        failure = failure is null || Rank(e.Kind) > Rank(failure.Kind) ? e : failure;
                    }

                    if (pause is not null)
                    {
                        break; // one failed: the next need not wait
                    }
                }

                cancellation.ThrowIfCancellationRequested();
            }

            throw failure ?? new CulvertException(FailureKind.NameNotFound, $"{what} failed: the name has no address.");
        }
        finally
        {
            await race.CancelAsync();
            foreach (Task<IConnection> loser in running)
            {
                _ = loser.ContinueWith(
                    static t =>
                    {
                        if (t.IsCompletedSuccessfully)
                        {
                            t.Result.Abort();
                        }
                        else
                        {
                            _ = t.Exception; // seen: it lost
                        }
                    },
                    CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default);
            }
        }
    }

    private static int Rank(FailureKind kind) => kind switch
    {
        FailureKind.Untrusted or FailureKind.Authentication => 6,
        FailureKind.Refused => 5,
        FailureKind.Reset => 4,
        FailureKind.HostUnreachable => 3,
        FailureKind.TimedOut => 1,
        FailureKind.NetworkUnreachable => 0,
        _ => 2,
    };
}
