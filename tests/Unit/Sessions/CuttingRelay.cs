using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Culvert.Tests.Unit.Sessions;

/// <summary>A stretch of wire between two sockets, which a test cuts: it forwards what comes, and can reset it, swallow it, or be away.</summary>
internal sealed class CuttingRelay : IDisposable
{
    private readonly Socket _listener;
    private readonly EndPoint _target;
    private readonly List<Link> _links = [];
    private bool _isDown;

    /// <summary>Listens at <paramref name="at"/> (port 0: any) for what goes to <paramref name="target"/>.</summary>
    public CuttingRelay(EndPoint at, EndPoint target)
    {
        _target = target;
        _listener = NewSocket(at);
        _listener.Bind(at);
        _listener.Listen(16);
        _ = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public EndPoint At => _listener.LocalEndPoint!;

    /// <summary>Connections that were forwarded so far.</summary>
    public int Forwarded { get; private set; }

    /// <summary>Who connects is dropped.</summary>
    public bool IsDown
    {
        set
        {
            lock (_links)
            {
                _isDown = value;
            }
        }
    }

    public static Socket NewSocket(EndPoint like) => like is UnixDomainSocketEndPoint
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(like.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    /// <summary>Resets all connections; what is on its way is lost.</summary>
    public void Reset() => Each(static link => link.Reset());

    /// <summary>From now on all that comes on the connections there are is swallowed, either way, and neither end is told of anything.</summary>
    public void Swallow() => Each(static link => link.Swallows = true);

    public void Dispose()
    {
        _listener.Dispose();
        Reset();
    }

    private void Each(Action<Link> what)
    {
        Link[] all;
        lock (_links)
        {
            all = [.. _links];
        }

        Array.ForEach(all, what);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptAsync();
                Socket far = NewSocket(_target);
                await far.ConnectAsync(_target);
                Link link = new(near, far);
                bool isDown;
                lock (_links)
                {
                    isDown = _isDown;
                    if (!isDown)
                    {
                        _links.Add(link);
                        Forwarded++;
                    }
                }

                if (isDown)
                {
                    link.Reset();
                    continue;
                }

                _ = CarryAsync(link);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task CarryAsync(Link link)
    {
        await Task.WhenAny(PumpAsync(link, link.Near, link.Far), PumpAsync(link, link.Far, link.Near));
        link.Reset();
        lock (_links)
        {
            _links.Remove(link);
        }
    }

    private static async Task PumpAsync(Link link, Socket from, Socket to)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and int count)
            {
                if (!link.Swallows)
                {
                    await to.SendAsync(buffer.AsMemory(0, count));
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // An end of it is gone.
        }

        // Who closes its end of a black hole closes nothing else.
        if (link.Swallows)
        {
            await link.Gone;
        }
    }

    private sealed class Link(Socket near, Socket far)
    {
        private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _swallows;

        public Socket Near => near;

        public Socket Far => far;

        public Task Gone => _gone.Task;

        public bool Swallows
        {
            get => _swallows;
            set => _swallows = value;
        }

        public void Reset()
        {
            _gone.TrySetResult();
            foreach (Socket socket in (Socket[])[near, far])
            {
                try
                {
                    socket.LingerState = new LingerOption(true, 0);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // It is closed already, or a Unix socket, which has nothing to linger for.
                }

                socket.Dispose();
            }
        }
    }
}
