using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Culvert.Core;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Links;

/// <summary>
/// A TCP socket driven by the loop of a link: calls straight into the system that never block, instead of the framework's own loop and thread
/// pool, of which it is never a part. Belongs to the loop's thread.
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

    private readonly SafeFileHandle _handle;
    private SocketError _error;

    private LinkSocket(SafeFileHandle handle) => _handle = handle;

    /// <summary>There may be something to read: <see cref="Receive"/> has not said otherwise since the watcher told so.</summary>
    public bool IsReadable { get; private set; }

    /// <summary>There may be room to send: <see cref="Send"/> has not said otherwise since the watcher told so.</summary>
    public bool IsWritable { get; private set; }

    internal override SafeHandle Handle => _handle;

    internal override uint Interest => Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLET;

    // The far side has finished or is gone: a short read is not the last.
    private bool HasEnded { get; set; }

    /// <summary>
    /// Begins to connect to <paramref name="endpoint"/>, by the interface <paramref name="device"/> and with <paramref name="priority"/> where one is given
    /// (SO_BINDTODEVICE, SO_PRIORITY). Once watched, it becomes writable when it has connected or failed, and <see cref="TakeError"/>
    /// tells which. Throws <see cref="CulvertException"/> when this system has no more sockets, or none of this family.
    /// </summary>
    public static LinkSocket Connect(IPEndPoint endpoint, string? device = null, int priority = 0)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        SocketAddress address = endpoint.Serialize();
        int descriptor = Libc.socket((int)endpoint.AddressFamily == (int)AddressFamily.InterNetwork ? Libc.AF_INET : Libc.AF_INET6, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (descriptor < 0)
        {
            throw Descriptors.Failure("No socket could be opened", Errno.ToSocketError(Errno.Last) == SocketError.AddressFamilyNotSupported ? FailureKind.NetworkUnreachable : FailureKind.LimitReached);
        }

        LinkSocket socket = new(new SafeFileHandle(descriptor, ownsHandle: true));
        int one = 1;
        _ = Libc.setsockopt(socket._handle, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, &one, sizeof(int)); // known to every TCP socket
        if (device is not null && !socket.TryBind(device, priority))
        {
            using (socket)
            {
                throw Descriptors.Failure($"A socket could not be bound to the interface {device}", FailureKind.NetworkUnreachable);
            }
        }

        fixed (byte* bytes = address.Buffer.Span)
        {
            if (Libc.connect(socket._handle, bytes, (uint)address.Size) < 0 && Errno.Last != Errno.EINPROGRESS)
            {
                socket._error = Errno.ToSocketError(Errno.Last);
            }
        }

        return socket;
    }

    /// <summary>Why it failed, <see cref="SocketError.Success"/> when it has not; tells it once.</summary>
    public SocketError TakeError()
    {
        if (_error == SocketError.Success)
        {
            int number = 0;
            uint size = sizeof(int);
            _ = Libc.getsockopt(_handle, Libc.SOL_SOCKET, Libc.SO_ERROR, &number, &size); // every socket has it
            return Errno.ToSocketError(number);
        }

        SocketError error = _error;
        _error = SocketError.Success;
        return error;
    }

    /// <summary>Reads what is there: its length, 0 when the far side has finished, <see cref="WouldBlock"/> or <see cref="Failed"/>.</summary>
    public int Receive(Span<byte> buffer)
    {
        nint count;
        do
        {
            fixed (byte* bytes = buffer)
            {
                count = Libc.recv(_handle, bytes, (nuint)buffer.Length, 0);
            }
        }
        while (count < 0 && Errno.Last == Errno.EINTR);

        if (count < 0)
        {
            IsReadable = false;
            return Outcome();
        }

        // Less than asked for: what comes later is told anew (epoll(7)), but an end that was told already is not.
        if (count > 0 && count < buffer.Length && !HasEnded)
        {
            IsReadable = false;
        }

        return (int)count;
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
            nint sent;
            do
            {
                sent = Libc.sendmsg(_handle, &message, Libc.MSG_NOSIGNAL);
            }
            while (sent < 0 && Errno.Last == Errno.EINTR);

            if (sent < 0)
            {
                IsWritable = false;
                return Outcome();
            }

            return sent;
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
    public void Dispose() => _handle.Dispose();

    internal override void Happened(uint events)
    {
        IsReadable |= TellsReadable(events);
        IsWritable |= TellsWritable(events);
        HasEnded |= (events & (Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0;
        base.Happened(events);
    }

    private bool TryBind(string device, int priority)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(device);
        fixed (byte* name = bytes)
        {
            return Libc.setsockopt(_handle, Libc.SOL_SOCKET, Libc.SO_BINDTODEVICE, (int*)name, (uint)bytes.Length) == 0
                && Libc.setsockopt(_handle, Libc.SOL_SOCKET, Libc.SO_PRIORITY, &priority, sizeof(int)) == 0;
        }
    }

    private int Outcome()
    {
        if (Errno.Last == Errno.EAGAIN)
        {
            return WouldBlock;
        }

        _error = Errno.ToSocketError(Errno.Last);
        return Failed;
    }
}
