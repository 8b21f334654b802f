using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Culvert.Core;
using Culvert.Platform.Interop;
using Culvert.Platform.Links;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// What the thread of a link waits with: one epoll for the link's device, for sockets, and for wakes from other threads. Everything but
/// <see cref="Wake"/> belongs to the thread that waits.
/// </summary>
internal sealed unsafe class LoopWaiter : ISocketWatcher, IDisposable
{
    // Readiness taken from the system in one wait; more is there the next time.
    private const int MaxReady = 128;

    private const ulong DeviceData = ulong.MaxValue;
    private const ulong WakeData = ulong.MaxValue - 1;

    private readonly SafeFileHandle _epoll;
    private readonly SafeFileHandle _wake;
    private readonly List<WatchedSocket?> _sockets = [];
    private readonly Stack<int> _freeSlots = [];
    private int _wakePending;
    private bool _coarse;

    /// <summary>Waits for <paramref name="device"/> as well, which stays the caller's, where there is one.</summary>
    public LoopWaiter(SafeFileHandle? device)
    {
        _epoll = Descriptors.Own(Libc.epoll_create1(Libc.EPOLL_CLOEXEC), "No epoll descriptor could be made");
        _wake = Descriptors.Own(Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK), "No event descriptor could be made");
        Register(_wake, Libc.EPOLLIN, WakeData);
        if (device is not null)
        {
            Register(device, Libc.EPOLLIN, DeviceData);
        }
    }

    /// <summary>
    /// Blocks until the device is readable, a socket's user has been told something, <see cref="Wake"/> was called, or <paramref name="microseconds"/>
    /// have passed (negative: no limit). A signal may end it early.
    /// </summary>
    public void Wait(long microseconds)
    {
        byte* events = stackalloc byte[MaxReady * Libc.EpollEvent.Size];
        int ready = WaitFor(microseconds, events);
        if (ready < 0 && Errno.Last != Errno.EINTR)
        {
            throw Descriptors.Failure("Waiting for packets and sockets failed", FailureKind.Bug);
        }

        for (int i = 0; i < ready; i++)
        {
            ReadOnlySpan<byte> happened = new(events + (i * Libc.EpollEvent.Size), Libc.EpollEvent.Size);
            uint flags = Libc.EpollEvent.Events(happened);
            switch (Libc.EpollEvent.Data(happened))
            {
                case DeviceData:
                    break; // the caller reads anyway
                case WakeData:
                    ulong count;
                    _ = Libc.read(_wake, (byte*)&count, sizeof(ulong));

                    // After the read, and before the caller looks at what it was woken for: a later Wake writes again.
                    Interlocked.Exchange(ref _wakePending, 0);
                    break;
                case ulong slot:
                    // A user told before this one may have ended it, and another may have its slot: told too much, which does no harm.
                    _sockets[(int)slot]?.Happened(flags);
                    break;
            }
        }
    }

    /// <summary>Ends the current or the next <see cref="Wait"/>. From any thread.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _wakePending, 1) != 0)
        {
            return;
        }

        try
        {
            ulong one = 1;
            _ = Libc.write(_wake, (byte*)&one, sizeof(ulong)); // cannot fail: the counter is far from its limit
        }
        catch (ObjectDisposedException)
        {
            // Nobody waits any more; a late wake is no mistake of the caller.
        }
    }

    public void Watch(WatchedSocket socket, ILinkSocketUser user)
    {
        if (!_freeSlots.TryPop(out int slot))
        {
            slot = _sockets.Count;
            _sockets.Add(null);
        }

        _sockets[slot] = socket;
        socket.User = user;
        socket.Slot = slot;
        Register(socket.Handle, socket.Interest, (ulong)slot);
    }

    public void Unwatch(WatchedSocket socket)
    {
        if (socket.Slot >= 0)
        {
            _sockets[socket.Slot] = null;
            _freeSlots.Push(socket.Slot);
            socket.Slot = -1;
            _ = Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_DEL, socket.Handle, null); // closing would do it too
        }
    }

    public void Dispose()
    {
        _epoll.Dispose();
        _wake.Dispose();
    }

    private int WaitFor(long microseconds, byte* events)
    {
        if (microseconds == 0)
        {
            return Libc.epoll_wait(_epoll, events, MaxReady, 0);
        }

        if (!_coarse)
        {
            Libc.TimeSpec limit = new() { Seconds = microseconds / 1_000_000, Nanoseconds = microseconds % 1_000_000 * 1_000 };
            int ready = Libc.epoll_pwait2(_epoll, events, MaxReady, microseconds < 0 ? null : &limit);
            if (ready >= 0 || Errno.Last is not (Errno.ENOSYS or Errno.EPERM))
            {
                return ready;
            }

            _coarse = true; // a kernel before 5.11, or a sandbox that does not know the call
        }

        // Rounded up, so that what is due is due when the wait is over.
        return Libc.epoll_wait(_epoll, events, MaxReady, microseconds < 0 ? -1 : (int)Math.Min(int.MaxValue, (microseconds + 999) / 1_000));
    }

    private void Register(SafeHandle descriptor, uint events, ulong data)
    {
        byte* change = stackalloc byte[Libc.EpollEvent.Size];
        Libc.EpollEvent.Write(new Span<byte>(change, Libc.EpollEvent.Size), events, data);
        if (Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_ADD, descriptor, change) < 0)
        {
            throw Descriptors.Failure("The link's loop could not watch a descriptor", FailureKind.LimitReached);
        }
    }
}
