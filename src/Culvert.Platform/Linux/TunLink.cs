using System;
using System.Collections.Generic;
using System.Threading;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Platform.Interop;
using Culvert.Platform.Links;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// A TUN interface of Linux as a link (linux/if_tun.h). The interface is not persistent: it goes when its descriptor is closed here, by
/// <see cref="Dispose"/> or by the end of the process.
/// </summary>
internal sealed unsafe class TunLink : ILink, ISocketWatcher
{
    // Readiness taken from the system in one wait; more is there the next time.
    private const int MaxReady = 128;

    private const ulong DeviceData = ulong.MaxValue;
    private const ulong WakeData = ulong.MaxValue - 1;

    private readonly SafeFileHandle _device;
    private readonly SafeFileHandle _wake;
    private readonly SafeFileHandle _epoll;
    private readonly List<ILinkSocketUser?> _users = [];
    private readonly Stack<int> _freeSlots = [];
    private bool _coarse;
    private int _wakePending;

    /// <summary>Owns <paramref name="device"/>, a descriptor of /dev/net/tun bound to an interface with or without a virtio-net header.</summary>
    public TunLink(SafeFileHandle device, string name, int mtu, bool offloads)
    {
        _device = device;
        Name = name;
        Mtu = mtu;
        Offloads = offloads;
        int flags = Libc.fcntl((int)device.DangerousGetHandle(), Libc.F_GETFL, 0);
        if (flags < 0 || Libc.fcntl((int)device.DangerousGetHandle(), Libc.F_SETFL, flags | Libc.O_NONBLOCK) < 0)
        {
            throw Descriptors.Failure($"The interface {name} could not be made non-blocking");
        }

        _wake = Descriptors.Own(Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK), "No event descriptor could be made");
        _epoll = Descriptors.Own(Libc.epoll_create1(Libc.EPOLL_CLOEXEC), "No epoll descriptor could be made");
        Register(_device, Libc.EPOLLIN, DeviceData);
        Register(_wake, Libc.EPOLLIN, WakeData);
    }

    public string Name { get; }

    public int Mtu { get; }

    public bool Offloads { get; }

    /// <summary>Packets the device gave us whose virtio-net header made no sense; dropped.</summary>
    public long Malformed { get; private set; }

    /// <summary>Packets that the kernel did not take (malformed in its eyes, or the interface is down); dropped.</summary>
    public long Rejected { get; private set; }

    private int Prefix => Offloads ? VirtioNetHeader.Size : 0;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The buffer cannot hold the largest packet of this link.</exception>
    public bool TryRead(PacketBuffer buffer)
    {
        if (buffer.Capacity < (Offloads ? VirtioNetHeader.Size + ushort.MaxValue : Mtu))
        {
            throw new ArgumentException($"a packet of {Name} may need a larger buffer", nameof(buffer));
        }

        while (true)
        {
            nint length;
            fixed (byte* bytes = buffer.Array)
            {
                length = Libc.read(_device, bytes, (nuint)buffer.Capacity);
            }

            if (length < 0)
            {
                switch (Errno.Last)
                {
                    case Errno.EAGAIN:
                        return false;
                    case Errno.EINTR:
                        continue;
                    default:
                        throw Gone();
                }
            }

            int prefix = Prefix;
            PacketOffload offload = default;
            if (length <= prefix
                || (Offloads && !VirtioNetHeader.TryRead(buffer.Array.AsSpan(0, prefix), buffer.Array.AsSpan(prefix, (int)length - prefix), out offload)))
            {
                Malformed++;
                continue;
            }

            buffer.Start = prefix;
            buffer.Length = (int)length - prefix;
            buffer.Offload = offload;
            return true;
        }
    }

    public bool TryWrite(in OutgoingPacket packet)
    {
        byte* prefix = stackalloc byte[VirtioNetHeader.Size];
        if (Offloads)
        {
            VirtioNetHeader.Write(new Span<byte>(prefix, VirtioNetHeader.Size), packet);
        }

        fixed (byte* header = packet.Header, payload = packet.Payload)
        {
            Libc.IoVector* vectors = stackalloc Libc.IoVector[3];
            int count = 0;
            if (Offloads)
            {
                vectors[count++] = new Libc.IoVector { Base = prefix, Length = VirtioNetHeader.Size };
            }

            vectors[count++] = new Libc.IoVector { Base = header, Length = (nuint)packet.Header.Length };
            if (!packet.Payload.IsEmpty)
            {
                vectors[count++] = new Libc.IoVector { Base = payload, Length = (nuint)packet.Payload.Length };
            }

            while (Libc.writev(_device, vectors, count) < 0)
            {
                switch (Errno.Last)
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EAGAIN or Errno.ENOBUFS or Errno.ENOMEM:
                        return false;
                    case Errno.EIO or Errno.EINVAL:
                        // The interface was set down by whoever has the power to, or the kernel found fault with the packet: lost, as on any wire.
                        Rejected++;
                        return true;
                    default:
                        throw Gone();
                }
            }
        }

        return true;
    }

    /// <inheritdoc/>
    /// <remarks>A signal may end it early, so callers look at what is there and wait again.</remarks>
    public void Wait(long microseconds)
    {
        byte* events = stackalloc byte[MaxReady * Libc.EpollEvent.Size];
        int ready = WaitFor(microseconds, events);
        if (ready < 0 && Errno.Last != Errno.EINTR)
        {
            throw Descriptors.Failure($"Waiting for packets of {Name} failed", FailureKind.Bug);
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
                    // A user told before this one may have ended it; the slot of one that has just come may be told too much, which does no harm.
                    _users[(int)slot]?.Ready(
                        (flags & (Libc.EPOLLIN | Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0, (flags & (Libc.EPOLLOUT | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0);
                    break;
            }
        }
    }

    public void Watch(LinkSocket socket, ILinkSocketUser user)
    {
        if (!_freeSlots.TryPop(out int slot))
        {
            slot = _users.Count;
            _users.Add(null);
        }

        _users[slot] = user;
        socket.Slot = slot;
        Register(socket.Handle, Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLRDHUP | Libc.EPOLLET, (ulong)slot);
    }

    public void Unwatch(LinkSocket socket)
    {
        if (socket.Slot >= 0)
        {
            _users[socket.Slot] = null;
            _freeSlots.Push(socket.Slot);
            socket.Slot = -1;
            _ = Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_DEL, socket.Handle, null); // closing would do it too
        }
    }

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
            // Nobody waits on a link that is closed; a late wake is no mistake of the caller.
        }
    }

    public void Dispose()
    {
        _device.Dispose();
        _wake.Dispose();
        _epoll.Dispose();
    }

    private int WaitFor(long microseconds, byte* events)
    {
        if (microseconds == 0 || (microseconds < 0 && _coarse))
        {
            return Libc.epoll_wait(_epoll, events, MaxReady, microseconds == 0 ? 0 : -1);
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

        return Libc.epoll_wait(_epoll, events, MaxReady, microseconds < 0 ? -1 : (int)Math.Min(int.MaxValue, (microseconds + 999) / 1_000));
    }

    private void Register(SafeFileHandle descriptor, uint events, ulong data)
    {
        byte* change = stackalloc byte[Libc.EpollEvent.Size];
        Libc.EpollEvent.Write(new Span<byte>(change, Libc.EpollEvent.Size), events, data);
        if (Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_ADD, descriptor, change) < 0)
        {
            throw Descriptors.Failure($"The loop of {Name} could not watch a descriptor", FailureKind.LimitReached);
        }
    }

    private CulvertException Gone() => Descriptors.Failure($"The interface {Name} is gone");
}
