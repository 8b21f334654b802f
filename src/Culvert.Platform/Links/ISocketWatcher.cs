namespace Culvert.Platform.Links;

/// <summary>
/// A link whose <see cref="ILink.Wait"/> also waits for sockets, so that one thread can drive both without a hop. All of it belongs
/// to the thread that waits.
/// </summary>
public interface ISocketWatcher
{
    /// <summary>
    /// From now on Wait tells <paramref name="user"/> when <paramref name="socket"/> becomes readable or writable, once each time it does (edge-triggered:
    /// whoever is told goes on until the socket would block).
    /// </summary>
    void Watch(WatchedSocket socket, ILinkSocketUser user);

    /// <summary>Tells no more of <paramref name="socket"/>.</summary>
    void Unwatch(WatchedSocket socket);
}

/// <summary>Who is told by an <see cref="ISocketWatcher"/>.</summary>
public interface ILinkSocketUser
{
    /// <summary>The socket became readable (or has ended, or failed: reading tells), or writable, or has failed.</summary>
    void Ready(bool readable, bool writable, bool failed);
}
