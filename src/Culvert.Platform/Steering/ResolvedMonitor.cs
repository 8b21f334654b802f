using System;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Steering;

/// <summary>
/// A descriptor that becomes readable when systemd-resolved has started or has been told something about any link: it then writes the files anew that it keeps for
/// others (inotify(7), systemd-resolved.service(8)). It says that something changed, not what.
/// </summary>
internal sealed unsafe class ResolvedMonitor : IDisposable
{
    private const string Files = "/run/systemd/resolve";

    /// <summary>Readable when something changed; never where there is no systemd-resolved.</summary>
    public SafeFileHandle Handle { get; } = Descriptors.Own(Libc.inotify_init1(Libc.IN_CLOEXEC | Libc.IN_NONBLOCK), "Changes of the machine's resolver cannot be watched");

    public ResolvedMonitor()
    {
        if (Libc.inotify_add_watch(Handle, Files, Libc.IN_CREATE | Libc.IN_MOVED_TO) < 0 && Errno.Last != Errno.ENOENT)
        {
            throw Descriptors.Failure($"Changes of {Files} cannot be watched");
        }
    }

    /// <summary>Takes what has been told so far.</summary>
    public void Drain()
    {
        byte* buffer = stackalloc byte[4096];
        while (Libc.read(Handle, buffer, 4096) > 0 || Errno.Last == Errno.EINTR)
        {
        }
    }

    public void Dispose() => Handle.Dispose();
}
