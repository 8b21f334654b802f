using System;
using System.Buffers;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Links;

/// <summary>
/// A connected stream socket driven by the loop of a link: calls straight into the system that never block, instead of the
/// framework's own loop and thread pool.
/// </summary>
public sealed unsafe class LinkSocket : WatchedSocket, IDisposable
{
    /// <summary>What <see cref="Receive"/> and <see cref="Send"/> return when the socket would block.</summary>
    public const int WouldBlock = -1;

    /// <summary>What they return when the connection has failed (reset by the far side, mostly).</summary>
    public const int Failed = -2;

    // Slices in one gathering call; what is beyond goes with the next (the kernel takes up to 1,024).
    private const int MaxSlices = 64;

    // One for all sockets of a loop's thread: a call pins, sends and unpins.
    [ThreadStatic]
    private static MemoryHandle[]? _pins;

    private readonly Socket _socket;
    private readonly SafeSocketHandle _handle;

    /// <summary>Takes the connection of <paramref name="socket"/> over.</summary>
    public LinkSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);

        // The framework's own object is kept: its loop may know the descriptor already, and would take a number that is used again for this one.
        _socket = socket;
        _handle = socket.SafeHandle;
        int flags = Libc.fcntl((int)_handle.DangerousGetHandle(), Libc.F_GETFL, 0);
        if (flags < 0 || Libc.fcntl((int)_handle.DangerousGetHandle(), Libc.F_SETFL, flags | Libc.O_NONBLOCK) < 0)
        {
            using (socket)
            {
                throw Descriptors.Failure("A connection could not be made non-blocking");
            }
        }
    }

    internal override SafeHandle Handle => _handle;

    internal override uint Interest => Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLET;

    /// <summary>Reads what is there: its length, 0 when the far side has finished, <see cref="WouldBlock"/> or <see cref="Failed"/>.</summary>
    public int Receive(Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            while (true)
            {
                nint count = Libc.recv(_handle, bytes, (nuint)buffer.Length, 0);
                if (count >= 0)
                {
                    return (int)count;
                }

                switch (Errno.Last)
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EAGAIN:
                        return WouldBlock;
                    default:
                        return Failed;
                }
            }
        }
    }

    /// <summary>
    /// Sends what the system takes of <paramref name="data"/>, gathered from its slices: how many bytes that were, <see cref="WouldBlock"/> or
    /// <see cref="Failed"/>.
    /// </summary>
    public long Send(in ReadOnlySequence<byte> data)
    {
        Libc.IoVector* vectors = stackalloc Libc.IoVector[MaxSlices];
        MemoryHandle[] pins = _pins ??= new MemoryHandle[MaxSlices];
        int count = 0;
        try
        {
            foreach (ReadOnlyMemory<byte> slice in data)
            {
                if (count == MaxSlices)
                {
                    break;
                }

                pins[count] = slice.Pin();
                vectors[count] = new Libc.IoVector { Base = (byte*)pins[count].Pointer, Length = (nuint)slice.Length };
                count++;
            }

            Libc.MessageHeader message = new() { Vectors = vectors, VectorCount = (nuint)count };
            while (true)
            {
                nint sent = Libc.sendmsg(_handle, &message, Libc.MSG_NOSIGNAL);
                if (sent >= 0)
                {
                    return sent;
                }

                switch (Errno.Last)
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EAGAIN:
                        return WouldBlock;
                    default:
                        return Failed;
                }
            }
        }
        finally
        {
            for (int i = 0; i < count; i++)
            {
                pins[i].Dispose();
            }
        }
    }

    /// <summary>Sends a FIN behind what has been sent; reading goes on. A connection that is over already shows on reading.</summary>
    public void Finish() => _ = Libc.shutdown(_handle, Libc.SHUT_WR);

    /// <summary>From now on, closing resets the connection.</summary>
    public void ResetOnClose()
    {
        int* linger = stackalloc int[2] { 1, 0 };
        _ = Libc.setsockopt(_handle, Libc.SOL_SOCKET, Libc.SO_LINGER, linger, 2 * sizeof(int)); // fails only on a connection that is over
    }

    /// <summary>Closes it.</summary>
    public void Dispose() => _socket.Dispose();
}
