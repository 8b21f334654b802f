using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Flows;

/// <summary>Runs an operation that must end in time.</summary>
internal static class Deadline
{
    /// <summary>
    /// Runs <paramref name="operation"/>; when <paramref name="limit"/> passes first, it is cancelled and a failure of <paramref name="kind"/> thrown,
    /// the sentence started by <paramref name="what"/>. <see cref="OperationCanceledException"/> only for <paramref name="cancellation"/>.
    /// </summary>
    public static async ValueTask<T> RunAsync<T>(
        TimeSpan limit,
        string what,
        Func<CancellationToken, ValueTask<T>> operation,
        CancellationToken cancellation,
        FailureKind kind = FailureKind.TimedOut)
    {
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        both.CancelAfter(limit);
        try
        {
            return await operation(both.Token);
        }
        catch (OperationCanceledException e)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new CulvertException(kind, $"{what} failed: no answer within {limit.TotalSeconds:0.###} s.", e);
        }
    }
}
