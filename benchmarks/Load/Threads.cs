using System;
using System.Net.Sockets;
using System.Threading;

namespace Culvert.Bench.Load;

/// <summary>
/// The load is made by plain threads with blocking sockets: one system call an operation, nothing of .NET's asynchronous machinery
/// in what is measured.
/// </summary>
internal static class Threads
{
    private const int StackSize = 256 * 1024;
    private const int WaitMilliseconds = 20;

    /// <summary>Starts a background thread; a socket that fails or is closed ends it, and <paramref name="failed"/> is told why. Throws <see cref="ReachException"/> when there are no more threads to be had.</summary>
    internal static Thread Start(Action body, Action<string>? failed = null)
    {
        Thread thread = new(
            () =>
            {
                try
                {
                    body();
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException or ReachException)
                {
                    failed?.Invoke(exception.Message);
                }
            },
            StackSize)
        { IsBackground = true };
        try
        {
            thread.Start();
        }
        catch (OutOfMemoryException)
        {
            // What .NET says when the system grants no more threads (each has a mapping or two, and those are limited).
            throw new ReachException("the system grants no more threads");
        }

        return thread;
    }

    /// <summary>Accepts for as long as the process lives, on a thread of its own; <paramref name="accepted"/> owns the socket, unless it fails.</summary>
    internal static void Accept(Socket listener, Action<Socket> accepted) => AcceptWhile(listener, socket =>
    {
        accepted(socket);
        return true;
    });

    /// <summary>The same, for as long as <paramref name="accepted"/> says so.</summary>
    internal static void AcceptWhile(Socket listener, Func<Socket, bool> accepted) => Start(() =>
    {
        bool more = true;
        while (more)
        {
            Socket? socket = null;
            try
            {
                socket = listener.Accept();
                more = accepted(socket);
            }
            catch (Exception exception) when (exception is SocketException or ReachException)
            {
                // This client went away or cannot be served, which its own count shows; or descriptors ran out, and the next one waits in the queue until some are free.
                if (socket is null)
                {
                    Thread.Sleep(WaitMilliseconds);
                }

                socket?.Dispose();
            }
        }
    });

    /// <summary>Reads exactly as much as the buffer holds; false when the stream ended before.</summary>
    internal static bool ReceiveAll(Socket socket, Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            int count = socket.Receive(buffer);
            if (count == 0)
            {
                return false;
            }

            buffer = buffer[count..];
        }

        return true;
    }
}
