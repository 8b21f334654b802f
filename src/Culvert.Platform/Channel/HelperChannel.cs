using System;
using System.Buffers.Binary;
using System.Diagnostics;
using Culvert.Core;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Channel;

/// <summary>
/// One end of the socket between the engine and the helper (AF_UNIX, SOCK_SEQPACKET). Its closing is a message too: to the helper that the
/// engine has gone, to the engine that the command has been executed.
/// </summary>
internal sealed unsafe class HelperChannel(SafeFileHandle socket) : IDisposable
{
    private const int SetHeader = 5;

    /// <summary>The descriptor, for handing this end to a child.</summary>
    public SafeFileHandle Socket => socket;

    /// <summary>Both ends, closed on exec.</summary>
    public static (HelperChannel Engine, HelperChannel Helper) Pair()
    {
        int* ends = stackalloc int[2];
        return Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_SEQPACKET | Libc.SOCK_CLOEXEC, 0, ends) == 0
            ? (new HelperChannel(new SafeFileHandle(ends[0], true)), new HelperChannel(new SafeFileHandle(ends[1], true)))
            : throw Descriptors.Failure("No channel to the helper could be made");
    }

    /// <summary>Sends a message, with a descriptor that the other side gets a copy of. False when the other side is gone.</summary>
    public bool Send(in HelperMessage message, SafeFileHandle? descriptor = null)
    {
        Span<byte> bytes = stackalloc byte[HelperMessage.MaximumSize];
        return Send(bytes[..message.Write(bytes)], descriptor);
    }

    /// <summary>Sends <see cref="HelperMessageKind.Set"/>. False when the other side is gone.</summary>
    public bool Send(TunnelState state)
    {
        byte[] bytes = state.ToBytes();
        byte[] message = new byte[SetHeader + bytes.Length];
        message[0] = (byte)HelperMessageKind.Set;
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(1), bytes.Length);
        bytes.CopyTo(message, SetHeader);
        return Send(message, null);
    }

    /// <summary>No more will be sent: to the helper, that all is to be given back; what it says is still received.</summary>
    public void EndSending() => _ = Libc.shutdown(socket, Libc.SHUT_WR);

    /// <summary>Whoever waits in a receive gets the end.</summary>
    public void EndReceiving() => _ = Libc.shutdown(socket, Libc.SHUT_RD);

    private bool Send(ReadOnlySpan<byte> bytes, SafeFileHandle? descriptor)
    {
        fixed (byte* start = bytes)
        {
            return Send(start, bytes.Length, descriptor);
        }
    }

    private bool Send(byte* bytes, int length, SafeFileHandle? descriptor)
    {
        Libc.IoVector vector = new() { Base = bytes, Length = (nuint)length };
        Libc.MessageHeader header = new() { Vectors = &vector, VectorCount = 1 };
        Libc.DescriptorMessage control = default;
        if (descriptor is not null)
        {
            control = new Libc.DescriptorMessage
            {
                Length = Libc.DescriptorMessage.UsedLength,
                Level = Libc.SOL_SOCKET,
                Type = Libc.SCM_RIGHTS,
                Descriptor = (int)descriptor.DangerousGetHandle(),
            };
            header.Control = &control;
            header.ControlLength = (nuint)sizeof(Libc.DescriptorMessage);
        }

        nint sent;
        do
        {
            sent = Libc.sendmsg(socket, &header, Libc.MSG_NOSIGNAL);
        }
        while (sent < 0 && Errno.Last == Errno.EINTR);

        GC.KeepAlive(descriptor);
        return sent >= 0;
    }

    /// <summary>
    /// Receives one message, waiting at most <paramref name="limit"/> (null: without end). Null when the other side has closed; the descriptor
    /// that came along is the caller's.
    /// </summary>
    /// <exception cref="CulvertException">TimedOut, or Bug when the other side said something unheard of.</exception>
    public HelperMessage? Receive(TimeSpan? limit, out SafeFileHandle? descriptor)
    {
        Span<byte> bytes = stackalloc byte[HelperMessage.MaximumSize];
        int length = Receive(bytes, limit, out descriptor);
        return length == 0 ? null
            : HelperMessage.TryRead(bytes[..length], out HelperMessage message) ? message
            : throw Nonsense();
    }

    /// <summary>
    /// What the engine asks of a helper in charge of a tunnel: <see cref="HelperMessageKind.Open"/>, or <see cref="HelperMessageKind.Set"/> with its
    /// state. Null when the engine is gone.
    /// </summary>
    /// <exception cref="CulvertException">Bug when the engine said something unheard of.</exception>
    public HelperMessage? ReceiveRequest(out TunnelState? state)
    {
        state = null;
        byte[] buffer = new byte[SetHeader + TunnelState.MaximumSize];
        int length = Receive(buffer, null, out SafeFileHandle? descriptor);
        descriptor?.Dispose(); // an engine has none to give
        ReadOnlySpan<byte> bytes = buffer.AsSpan(0, length);
        if (length == 0)
        {
            return null;
        }

        if (bytes[0] == (byte)HelperMessageKind.Set)
        {
            return length >= SetHeader && BinaryPrimitives.ReadInt32LittleEndian(bytes[1..]) == length - SetHeader && TunnelState.TryRead(bytes[SetHeader..], out state)
                ? new HelperMessage(HelperMessageKind.Set)
                : throw Nonsense();
        }

        return HelperMessage.TryRead(bytes, out HelperMessage message) ? message : throw Nonsense();
    }

    /// <summary>The user that made the other end, or connected it (SO_PEERCRED, unix(7)); the kernel vouches for it.</summary>
    public uint PeerUser
    {
        get
        {
            Libc.PeerCredentials credentials;
            uint length = (uint)sizeof(Libc.PeerCredentials);
            return Libc.getsockopt(socket, Libc.SOL_SOCKET, Libc.SO_PEERCRED, (int*)&credentials, &length) == 0
                ? credentials.User
                : throw Descriptors.Failure("Nobody knows who is at the other end of the helper's channel", FailureKind.Privilege);
        }
    }

    public void Dispose() => socket.Dispose();

    private static CulvertException Nonsense() => new(FailureKind.Bug, "The helper and the engine do not understand each other; their versions may differ.");

    private int Receive(Span<byte> buffer, TimeSpan? limit, out SafeFileHandle? descriptor)
    {
        fixed (byte* bytes = buffer)
        {
            return Receive(bytes, buffer.Length, limit, out descriptor);
        }
    }

    /// <summary>One message's length; 0 when the other side has closed.</summary>
    private int Receive(byte* bytes, int size, TimeSpan? limit, out SafeFileHandle? descriptor)
    {
        descriptor = null;
        WaitReadable(limit);
        Libc.IoVector vector = new() { Base = bytes, Length = (nuint)size };
        Libc.DescriptorMessage control = default;
        Libc.MessageHeader header = new() { Vectors = &vector, VectorCount = 1, Control = &control, ControlLength = (nuint)sizeof(Libc.DescriptorMessage) };
        nint length;
        do
        {
            length = Libc.recvmsg(socket, &header, Libc.MSG_CMSG_CLOEXEC);
        }
        while (length < 0 && Errno.Last == Errno.EINTR);

        if (length <= 0)
        {
            return 0; // closed; a reset (the other side died with our message unread) is no different
        }

        if (header.ControlLength >= Libc.DescriptorMessage.UsedLength && control.Level == Libc.SOL_SOCKET && control.Type == Libc.SCM_RIGHTS)
        {
            descriptor = new SafeFileHandle(control.Descriptor, true);
        }

        return (header.Flags & Libc.MSG_TRUNC) == 0 ? (int)length : throw Nonsense();
    }

    private void WaitReadable(TimeSpan? limit)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            Libc.PollDescriptor descriptor = new() { Descriptor = (int)socket.DangerousGetHandle(), Events = Libc.POLLIN };
            TimeSpan left = limit is { } whole ? whole - Stopwatch.GetElapsedTime(start) : default;
            left = left < TimeSpan.Zero ? TimeSpan.Zero : left;
            Libc.TimeSpec time = new() { Seconds = left.Ticks / TimeSpan.TicksPerSecond, Nanoseconds = left.Ticks % TimeSpan.TicksPerSecond * 100 };
            int ready = Libc.ppoll(&descriptor, 1, limit is null ? null : &time, null);
            if (ready > 0)
            {
                return;
            }

            if (ready == 0)
            {
                throw new CulvertException(FailureKind.TimedOut, "The helper did not answer in time.");
            }

            if (Errno.Last != Errno.EINTR)
            {
                throw Descriptors.Failure("Waiting for the helper failed", FailureKind.Bug);
            }
        }
    }
}
