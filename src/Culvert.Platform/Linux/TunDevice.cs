using System;
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

    private const nuint StreamFeatures = Libc.TUN_F_CSUM | Libc.TUN_F_TSO4 | Libc.TUN_F_TSO6;

    private const string UseSudo = "or run it with sudo";

    /// <summary>Whether the environment leaves offloads on.</summary>
    public static bool OffloadsWanted => Environment.GetEnvironmentVariable(OffloadVariable) != "0";

    /// <summary>
    /// Makes an interface that goes when the returned descriptor (and every copy of it) is closed. With <paramref name="offloads"/>, packets have a
    /// virtio-net header of <see cref="VirtioNetHeader.Size"/> bytes in front, and TCP segmentation and checksums are left to each other.
    /// </summary>
    public static SafeFileHandle Create(string name, bool offloads)
    {
        SafeFileHandle device = Open();
        try
        {
            Libc.InterfaceRequest request = new()
            {
                Flags = (short)(Libc.IFF_TUN | Libc.IFF_NO_PI | (offloads ? Libc.IFF_VNET_HDR : 0)),
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
