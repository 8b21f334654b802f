using System;
using System.Collections.Generic;
using System.Text;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>Makes TUN interfaces in the network namespace of the caller (linux/if_tun.h).</summary>
internal static unsafe class TunDevice
{
    /// <summary>The device node.</summary>
    public const string Path = "/dev/net/tun";

    /// <summary>Environment variable: <c>0</c> makes links without offloads.</summary>
    public const string OffloadVariable = "CULVERT_OFFLOAD";

    /// <summary>Environment variable: how many queues links have, from 1 to <see cref="MaxQueues"/>.</summary>
    public const string QueuesVariable = "CULVERT_QUEUES";

    /// <summary>Queues of one link at most: each is a thread, and few machines send more than that many threads can carry.</summary>
    public const int MaxQueues = 8;

    // Without a word from the environment: what one loop cannot carry, two to four can, and each costs its memory.
    private const int UsualQueues = 4;

    private const nuint StreamFeatures = Libc.TUN_F_CSUM | Libc.TUN_F_TSO4 | Libc.TUN_F_TSO6;

    private const string UseSudo = "or run it with sudo";

    /// <summary>Whether the environment leaves offloads on.</summary>
    public static bool OffloadsWanted => Environment.GetEnvironmentVariable(OffloadVariable) != "0";

    /// <summary>Queues of a link: what the environment says, or one for each processor up to four.</summary>
    public static int QueuesWanted => int.TryParse(Environment.GetEnvironmentVariable(QueuesVariable), out int wanted)
        ? Math.Clamp(wanted, 1, MaxQueues)
        : Math.Clamp(Environment.ProcessorCount, 1, UsualQueues);

    /// <summary>
    /// Makes an interface of <paramref name="queues"/> queues (IFF_MULTI_QUEUE where more than one), one descriptor for each. The kernel sends a flow's
    /// packets to the queue that the flow was last answered on. It goes when all descriptors, and every copy of them, are closed.
    /// </summary>
    public static SafeFileHandle[] Create(string name, bool offloads, int queues)
    {
        SafeFileHandle[] devices = new SafeFileHandle[queues];
        try
        {
            for (int i = 0; i < queues; i++)
            {
                devices[i] = Attach(name, offloads, queues > 1 ? Libc.IFF_MULTI_QUEUE : 0);
            }

            return devices;
        }
        catch
        {
            Close(devices);
            throw;
        }
    }

    /// <summary>Gives the descriptors of an interface back.</summary>
    public static void Close(IEnumerable<SafeFileHandle?> devices)
    {
        foreach (SafeFileHandle? device in devices)
        {
            device?.Dispose();
        }
    }

    /// <summary>
    /// Makes an interface that goes when the returned descriptor (and every copy of it) is closed. With <paramref name="offloads"/>, packets have a
    /// virtio-net header of <see cref="VirtioNetHeader.Size"/> bytes in front, and TCP segmentation and checksums are left to each other.
    /// </summary>
    private static SafeFileHandle Attach(string name, bool offloads, int more)
    {
        SafeFileHandle device = Open();
        try
        {
            Libc.InterfaceRequest request = new()
            {
                Flags = (short)(Libc.IFF_TUN | Libc.IFF_NO_PI | (offloads ? (int)Libc.IFF_VNET_HDR : 0) | more),
            };
            Encoding.ASCII.GetBytes(name, new Span<byte>(request.Name, 15));
            if (Libc.ioctl(device, Libc.TUNSETIFF, &request) < 0)
            {
                throw Errno.Last == Errno.EPERM
                    ? new CulvertException(FailureKind.Privilege, $"This user may not make the network interface {name}: CAP_NET_ADMIN is missing; run it with sudo.")
                    : Descriptors.Failure($"The network interface {name} could not be made");
            }

            if (offloads)
            {
                int size = VirtioNetHeader.Size;
                if (Libc.ioctl(device, Libc.TUNSETVNETHDRSZ, &size) < 0 || Libc.ioctl(device, Libc.TUNSETOFFLOAD, (void*)StreamFeatures) < 0)
                {
                    throw Descriptors.Failure($"The kernel refused offloads on {name} ({OffloadVariable}=0 goes without)");
                }
            }

            return device;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Has an interface with offloads leave UDP segmentation to us as well; false where the kernel has none (before Linux 6.2). Needs no privileges, so whoever
    /// drives the interface asks.
    /// </summary>
    public static bool TryCutDatagrams(SafeFileHandle device) =>
        Libc.ioctl(device, Libc.TUNSETOFFLOAD, (void*)(StreamFeatures | Libc.TUN_F_USO4 | Libc.TUN_F_USO6)) == 0;

    private static SafeFileHandle Open()
    {
        int descriptor = Libc.open(Path, Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        if (descriptor >= 0)
        {
            return new SafeFileHandle(descriptor, true);
        }

        int error = Errno.Last;
        throw error switch
        {
            Errno.EACCES or Errno.EPERM => new CulvertException(
                FailureKind.Privilege,
                $"{Path} is not open to this user: let everyone use it (sudo chmod 666 {Path}; it gives nobody power over the machine's own network), {UseSudo}."),
            Errno.ENOENT or Errno.ENODEV or Errno.ENXIO => new CulvertException(
                FailureKind.Configuration,
                $"This machine has no {Path}: load the driver (sudo modprobe tun), or start the container with --device {Path}."),
            _ => new CulvertException(FailureKind.Configuration, $"{Path} cannot be opened: {Errno.Text(error)}."),
        };
    }
}
