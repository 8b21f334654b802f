using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace Culvert.Bench.Load;

/// <summary>The near side: makes load towards a target, and says what came of it.</summary>
internal sealed class LoadClient(Reach reach)
{
    private const int BlockSize = 256 * 1024;
    private const int PageConnections = 6;
    private const int PageResources = 200;
    private const int HoldThreads = 16;

    private readonly List<Socket> _background = [];
    private readonly List<Thread> _threads = [];
    private readonly List<Socket> _held = [];
    private volatile bool _stopping;
    private string? _failure;

    /// <summary>Where the load goes.</summary>
    internal IPAddress Target { get; set; } = IPAddress.Loopback;

    /// <summary>Begins to send or to receive on <paramref name="streams"/> connections, and returns once they stand.</summary>
    internal void StartBulk(bool up, int streams)
    {
        for (int index = 0; index < streams; index++)
        {
            Socket socket = reach.Connect(Target, up ? LoadPorts.Sink : LoadPorts.Source);
            _background.Add(socket);
            _threads.Add(Threads.Start(() => Pump(socket, up), Failed));
        }
    }

    /// <summary>Opens connections that the far side sends on for as long as it can, and reads nothing from them.</summary>
    internal void StartStalled(int streams)
    {
        for (int index = 0; index < streams; index++)
        {
            _background.Add(reach.Connect(Target, LoadPorts.Source));
        }
    }

    /// <summary>Begins to send datagrams as fast as the socket takes them.</summary>
    internal void StartFlood(int size)
    {
        Socket socket = reach.Datagrams(Target, LoadPorts.Datagrams, size, out byte[] datagram, out Socket? anchor);
        _background.Add(socket);
        if (anchor is not null)
        {
            _background.Add(anchor);
        }

        _threads.Add(Threads.Start(() => Flood(socket, datagram), Failed));
    }

    /// <summary>Ends what runs in the background; throws when it had failed by itself before.</summary>
    internal void Stop()
    {
        _stopping = true;
        string? failure = _failure;
        _background.ForEach(socket => socket.Dispose());
        _threads.ForEach(thread => thread.Join());
        _background.Clear();
        _threads.Clear();
        _failure = null;
        _stopping = false;
        if (failure is not null)
        {
            throw new ReachException(failure);
        }
    }

    /// <summary>Connects, sends a byte, gets it back and closes, over and over from <paramref name="parallel"/> threads; the times are seconds each.</summary>
    internal LoadResult Connections(int parallel, double seconds) => Repeat(parallel, seconds, (int worker, out Func<int, bool> once, out IDisposable? rest) =>
    {
        rest = null;
        byte[] one = [1];
        once = count =>
        {
            using Socket socket = reach.Connect(Target, LoadPorts.Once + ((worker + count) % LoadPorts.OnceCount));
            socket.Send(one);
            return socket.Receive(one) == 1;
        };
    });

    /// <summary>Requests and answers of 100 bytes, one after the other on each of <paramref name="parallel"/> kept connections; the times are seconds each.</summary>
    internal LoadResult Requests(int parallel, double seconds) => Repeat(parallel, seconds, (int _, out Func<int, bool> once, out IDisposable? rest) =>
    {
        Socket socket = reach.Connect(Target, LoadPorts.Requests);
        rest = socket;
        byte[] request = Request(LoadPorts.RequestLength);
        byte[] answer = new byte[LoadPorts.RequestLength];
        once = _ =>
        {
            socket.Send(request);
            return Threads.ReceiveAll(socket, answer);
        };
    });

    /// <summary>Pages of 200 resources (1 to 60 kB, 20 kB on average) over six new connections each; the times are seconds a page.</summary>
    internal LoadResult Pages(double seconds) => Repeat(1, seconds, (int _, out Func<int, bool> once, out IDisposable? rest) =>
    {
        rest = null;
        once = _ => Page();
    });

    /// <summary>Opens connections until <paramref name="count"/> are open and have said their byte.</summary>
    internal void Hold(int count)
    {
        int missing = count - _held.Count;
        int next = 0;
        string? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, HoldThreads).Select(_ => Threads.Start(
            () =>
            {
                while (failure is null && Interlocked.Increment(ref next) <= missing)
                {
                    Socket socket = reach.Connect(Target, LoadPorts.Hold);
                    lock (_held)
                    {
                        _held.Add(socket);
                    }

                    if (socket.Receive(new byte[1]) != 1)
                    {
                        throw new ReachException("a connection was closed when it should have been kept");
                    }
                }
            },
            message => failure = message))];
        Array.ForEach(threads, thread => thread.Join());
        if (failure is not null)
        {
            throw new ReachException($"{_held.Count} of {count} connections, then: {failure}");
        }
    }

    private static byte[] Request(int answerLength)
    {
        byte[] request = new byte[LoadPorts.RequestLength];
        BinaryPrimitives.WriteInt32LittleEndian(request, answerLength);
        return request;
    }

    /// <summary>Sizes as on the web: many small ones, a few large; the same in every run.</summary>
    private static int ResourceLength(int number) => 1000 + (int)(59_000 * Math.Pow(number * 37 % PageResources / (double)PageResources, 2));

    private static LoadResult Repeat(int parallel, double seconds, Prepare prepare)
    {
        List<double>[] times = [.. Enumerable.Range(0, parallel).Select(_ => new List<double>(4096))];
        using Barrier ready = new(parallel + 1);
        int failures = 0;
        string? failure = null;
        long end = 0;
        Thread[] threads = [.. times.Select((mine, worker) => Threads.Start(() =>
        {
            IDisposable? rest = null;
            Func<int, bool>? once = null;
            try
            {
                prepare(worker, out once, out rest);
            }
            catch (Exception exception) when (exception is SocketException or ReachException)
            {
                Fail(exception.Message);
            }

            ready.SignalAndWait();
            ready.SignalAndWait();
            using (rest)
            {
                for (int count = 0; once is not null && Stopwatch.GetTimestamp() < end; count++)
                {
                    long start = Stopwatch.GetTimestamp();
                    try
                    {
                        if (!once(count))
                        {
                            Fail("the stream ended too early");
                            break;
                        }

                        mine.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
                    }
                    catch (Exception exception) when (exception is SocketException or ReachException)
                    {
                        Fail(exception.Message);
                    }
                }
            }
        }))];
        ready.SignalAndWait();
        long begin = Stopwatch.GetTimestamp();
        end = begin + (long)(seconds * Stopwatch.Frequency);
        ready.SignalAndWait();
        Array.ForEach(threads, thread => thread.Join());
        double elapsed = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        double[] all = [.. times.SelectMany(list => list).Order()];
        return all.Length > 0
            ? new LoadResult(all.Length, elapsed, failures, Percentile(all, 0.5), Percentile(all, 0.99))
            : throw new ReachException(failure ?? "nothing was done in time");

        void Fail(string message)
        {
            Interlocked.Increment(ref failures);
            failure ??= message;
        }
    }

    private static double Percentile(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];

    private void Failed(string message)
    {
        if (!_stopping)
        {
            _failure ??= message;
        }
    }

    private void Pump(Socket socket, bool up)
    {
        byte[] block = new byte[BlockSize];
        while (!_stopping)
        {
            if (up)
            {
                socket.Send(block);
                continue;
            }

            int count = socket.Receive(block);
            if (count == 0)
            {
                throw new ReachException("the stream ended too early");
            }

            Counters.AddBytes(count);
        }
    }

    private void Flood(Socket socket, byte[] datagram)
    {
        while (!_stopping)
        {
            try
            {
                socket.Send(datagram);
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.NoBufferSpaceAvailable)
            {
                // A full queue drops, as it should; what arrives is what counts.
            }
        }
    }

    private bool Page()
    {
        int next = -1;
        bool good = true;
        Thread[] threads = [.. Enumerable.Range(0, PageConnections).Select(_ => Threads.Start(
            () =>
            {
                using Socket socket = reach.Connect(Target, LoadPorts.Requests);
                byte[] answer = new byte[60_000];
                int number;
                while ((number = Interlocked.Increment(ref next)) < PageResources)
                {
                    int length = ResourceLength(number);
                    socket.Send(Request(length));
                    good &= Threads.ReceiveAll(socket, answer.AsSpan(0, length));
                }
            },
            _ => good = false))];
        Array.ForEach(threads, thread => thread.Join());
        return good;
    }

    private delegate void Prepare(int worker, out Func<int, bool> once, out IDisposable? rest);
}
