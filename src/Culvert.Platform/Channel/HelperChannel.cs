using System;
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
        byte* bytes = stackalloc byte[HelperMessage.MaximumSize];
        Libc.IoVector vector = new() { Base = bytes, Length = (nuint)message.Write(new Span<byte>(bytes, HelperMessage.MaximumSize)) };
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
        descriptor = null;
        WaitReadable(limit);
        byte* bytes = stackalloc byte[HelperMessage.MaximumSize];
        Libc.IoVector vector = new() { Base = bytes, Length = HelperMessage.MaximumSize };
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
            return null; // closed; a reset (the other side died with our message unread) is no different
        }

        if (header.ControlLength >= Libc.DescriptorMessage.UsedLength && control.Level == Libc.SOL_SOCKET && control.Type == Libc.SCM_RIGHTS)
        {
            descriptor = new SafeFileHandle(control.Descriptor, true);
        }

        return HelperMessage.TryRead(new ReadOnlySpan<byte>(bytes, (int)length), out HelperMessage message)
            ? message
            : throw new CulvertException(FailureKind.Bug, "The helper sent a message that makes no sense; its version may differ from the engine's.");
    }

    public void Dispose() => socket.Dispose();

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
