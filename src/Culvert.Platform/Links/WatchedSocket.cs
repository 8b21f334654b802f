using System.Runtime.InteropServices;

namespace Culvert.Platform.Links;

/// <summary>A socket that an <see cref="ISocketWatcher"/> can wait for.</summary>
public abstract class WatchedSocket
{
    /// <summary>Where the watcher keeps it; -1 when it is not watched.</summary>
    internal int Slot { get; set; } = -1;

    internal abstract SafeHandle Handle { get; }

    /// <summary>What of it is told, as epoll says it; looked at when the watching begins.</summary>
    internal abstract uint Interest { get; }
}
