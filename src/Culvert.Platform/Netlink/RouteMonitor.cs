using System;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Netlink;

/// <summary>
/// A descriptor that becomes readable when interfaces, addresses or routes of the caller's network change (rtnetlink(7)). It says that something changed, not
/// what: whoever waits looks for himself, so that nothing is lost when the kernel drops messages.
/// </summary>
internal sealed unsafe class RouteMonitor : IDisposable
{
    private const uint Groups = 0x1 /* links */ | 0x10 /* IPv4 addresses */ | 0x40 /* IPv4 routes */ | 0x100 /* IPv6 addresses */ | 0x400 /* IPv6 routes */;

    public RouteMonitor()
    {
        Socket = Descriptors.Own(Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, Libc.NETLINK_ROUTE), "The network cannot be watched (netlink)");
        Libc.NetlinkAddress address = new() { Family = Libc.AF_NETLINK, Groups = Groups };
        if (Libc.bind(Socket, &address, (uint)sizeof(Libc.NetlinkAddress)) < 0)
        {
            throw Descriptors.Failure("The network cannot be watched (netlink)");
        }
    }

    /// <summary>Readable when something changed.</summary>
    public SafeFileHandle Socket { get; }

    /// <summary>Takes what has been told so far.</summary>
    public void Drain()
    {
        byte* buffer = stackalloc byte[8192];
        while (Libc.recv(Socket, buffer, 8192, Libc.MSG_DONTWAIT) >= 0 || Errno.Last is Errno.EINTR or Errno.ENOBUFS)
        {
        }
    }

    public void Dispose() => Socket.Dispose();
}
