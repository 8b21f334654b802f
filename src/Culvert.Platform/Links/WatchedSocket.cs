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
        TellsReadable(events), TellsWritable(events), failed: (events & Libc.EPOLLERR) != 0);

    /// <summary>There is something to read, the end or a failure included.</summary>
    private protected static bool TellsReadable(uint events) => (events & (Libc.EPOLLIN | Libc.EPOLLRDHUP | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0;

    /// <summary>There is room to send, or a failure to be told of it.</summary>
    private protected static bool TellsWritable(uint events) => (events & (Libc.EPOLLOUT | Libc.EPOLLHUP | Libc.EPOLLERR)) != 0;
}
