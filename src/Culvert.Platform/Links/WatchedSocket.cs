using System.Runtime.InteropServices;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Links;

/// <summary>A socket that an <see cref="ISocketWatcher"/> can wait for.</summary>
public abstract class WatchedSocket
{
    /// <summary>Who is told what happens to it.</summary>
    public ILinkSocketUser? User { get; set; }

    /// <summary>Where the watcher keeps it; -1 when it is not watched.</summary>
    internal int Slot { get; set; } = -1;

    internal abstract SafeHandle Handle { get; }

    /// <summary>What of it is told, as epoll says it; looked at when the watching begins.</summary>
    internal abstract uint Interest { get; }

    /// <summary>The watcher has seen these events of epoll.</summary>
    internal virtual void Happened(uint events) => User?.Ready(
        readable: (events & (Libc.EPOLLIN | Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0,
        writable: (events & (Libc.EPOLLOUT | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0,
        failed: (events & Libc.EPOLLERR) != 0);
}
