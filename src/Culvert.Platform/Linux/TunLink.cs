using System;
using System.Collections.Generic;
using System.Linq;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Platform.Interop;
using Culvert.Platform.Links;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// A TUN interface of Linux as a link (linux/if_tun.h). The interface is not persistent: it goes when its descriptor is closed here, by
/// <see cref="Dispose"/> or by the end of the process. Of one with several queues, each is such a link.
/// </summary>
internal sealed unsafe class TunLink : ILink, ISocketWatcher
{

    private readonly SafeFileHandle _device;
    private readonly LoopWaiter _waiter;

    /// <summary>Owns <paramref name="device"/>, a descriptor of /dev/net/tun bound to an interface with or without a virtio-net header.</summary>
    /// <param name="device">The descriptor.</param>
    /// <param name="name">The interface.</param>
    /// <param name="mtu">Its MTU.</param>
    /// <param name="offloads">Whether packets have a virtio-net header.</param>
    /// <param name="more">Descriptors of further queues of the same interface; owned as well.</param>
    public TunLink(SafeFileHandle device, string name, int mtu, bool offloads, IEnumerable<SafeFileHandle>? more = null)
    {
        _device = device;
        Name = name;
        Mtu = mtu;
        Offloads = offloads;
        CutsDatagrams = offloads && TunDevice.TryCutDatagrams(device);
        int flags = Libc.fcntl((int)device.DangerousGetHandle(), Libc.F_GETFL, 0);
        if (flags < 0 || Libc.fcntl((int)device.DangerousGetHandle(), Libc.F_SETFL, flags | Libc.O_NONBLOCK) < 0)
        {
            throw Descriptors.Failure($"The interface {name} could not be made non-blocking");
        }

        _waiter = new LoopWaiter(device);
        MoreQueues = [.. (more ?? []).Select(queue => new TunLink(queue, name, mtu, offloads))];
    }

    public string Name { get; }

    public int Mtu { get; }

    public bool Offloads { get; }

    public bool CutsDatagrams { get; }

    public IReadOnlyList<ILink> MoreQueues { get; }

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
    public void Wait(long microseconds) => _waiter.Wait(microseconds);

    public void Wake() => _waiter.Wake();

    public void Watch(WatchedSocket socket, ILinkSocketUser user) => _waiter.Watch(socket, user);

    public void Unwatch(WatchedSocket socket) => _waiter.Unwatch(socket);

    public void Dispose()
    {
        _device.Dispose();
        _waiter.Dispose();
    }

    private CulvertException Gone() => Descriptors.Failure($"The interface {Name} is gone");
}
