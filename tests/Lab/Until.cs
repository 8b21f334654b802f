using System;
using System.Diagnostics;
using System.Threading;

namespace Culvert.Tests.Lab;

/// <summary>Waiting for a condition, with a limit: the only way tests wait.</summary>
public static class Until
{
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(20);

    /// <summary>Returns when <paramref name="condition"/> holds; throws <see cref="TimeoutException"/> that names <paramref name="what"/> after <paramref name="limit"/>.</summary>
    public static void True(Func<bool> condition, string what, TimeSpan? limit = null)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > (limit ?? DefaultLimit))
            {
                throw new TimeoutException($"Waited {clock.Elapsed.TotalSeconds:F0} s in vain for {what}.");
            }

            // The kernel has no event for most of what tests wait for (a process table, a listener), so they look again.
            Thread.Sleep(5);
        }
    }
}
