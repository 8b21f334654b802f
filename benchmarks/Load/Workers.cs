using System;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Threading;

namespace Culvert.Bench.Load;

/// <summary>Threads that are kept for the next connection: making one costs as much as the connection itself.</summary>
internal static class Workers
{
    private const int KeptThreads = 256;

    private static readonly ConcurrentStack<Worker> Idle = [];

    /// <summary>
    /// Runs <paramref name="body"/> on a thread that idles, or on a new one; a socket that fails ends the body, and <paramref name="failed"/> runs. What is returned is set when
    /// all of that is over. Throws <see cref="ReachException"/> when there are no more threads to be had.
    /// </summary>
    internal static ManualResetEventSlim Run(Action body, Action? failed = null)
    {
        ManualResetEventSlim over = new();
        Worker worker = Idle.TryPop(out Worker? idle) ? idle : Make();
        worker.Give(() =>
        {
            try
            {
                body();
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException or ReachException)
            {
                failed?.Invoke();
            }

            over.Set();
        });
        return over;
    }

    private static Worker Make()
    {
        try
        {
            return new Worker();
        }
        catch (OutOfMemoryException)
        {
            // What .NET says when the system grants no more threads (each has a mapping or two, and those are limited); the connection is closed.
            throw new ReachException("the system grants no more threads");
        }
    }

    private sealed class Worker
    {
        private readonly SemaphoreSlim _given = new(0);
        private Action? _body;

        internal Worker() => Threads.Start(() =>
        {
            while (true)
            {
                _given.Wait();
                _body?.Invoke();
                if (Idle.Count >= KeptThreads)
                {
                    return;
                }

                Idle.Push(this);
            }
        });

        /// <summary>Hands over what to do next; the semaphore's release publishes it.</summary>
        internal void Give(Action body)
        {
            _body = body;
            _given.Release();
        }
    }
}
