using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Entries;

/// <summary>Serves one accepted connection, which it owns.</summary>
internal delegate Task Serve(SocketConnection connection, CancellationToken cancellation);

/// <summary>Accepts connections on some sockets and has each served, so many at a time.</summary>
internal sealed class EntryServer : IAsyncDisposable
{
    /// <summary>How long accepting pauses when the system is out of descriptors and none of ours ends meanwhile.</summary>
    public static readonly TimeSpan AcceptPause = TimeSpan.FromMilliseconds(200);

    // A client that vanished is noticed within about 7 minutes of silence.
    private const int KeepAliveSeconds = 300;
    private const int KeepAliveProbeSeconds = 30;
    private const int KeepAliveProbes = 4;

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _slots;
    private readonly int _maxConnections;
    private readonly Action<string>? _warn;
    private readonly List<Task> _loops = [];
    private readonly List<Socket> _sockets = [];
    private bool _disposed;

    /// <summary>A server that serves nobody yet.</summary>
    public EntryServer(EntryLimits limits, Action<string>? warn)
    {
        _maxConnections = limits.MaxConnections;
        _slots = new SemaphoreSlim(_maxConnections);
        _warn = warn;
    }

    /// <summary>Where it listens; ports are the real ones.</summary>
    public IReadOnlyList<EndPoint> Listening
    {
        get
        {
            List<EndPoint> endpoints = [];
            foreach (Socket socket in _sockets)
            {
                endpoints.Add(socket.LocalEndPoint!);
            }

            return endpoints;
        }
    }

    /// <summary>Begins to accept on <paramref name="socket"/>, which it owns from now on.</summary>
    public void Add(Socket socket, Serve serve)
    {
        _sockets.Add(socket);
        _loops.Add(AcceptAsync(socket, serve));
    }

    /// <summary>Stops accepting, ends every connection and returns when all are over.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(false);
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }

        for (int i = 0; i < _maxConnections; i++)
        {
            await _slots.WaitAsync().ConfigureAwait(false);
        }

        _slots.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync(Socket listener, Serve serve)
    {
        CancellationToken cancellation = _stop.Token;
        try
        {
            while (true)
            {
                await _slots.WaitAsync(cancellation).ConfigureAwait(false);
                Socket? accepted = null;
                try
                {
                    accepted = await listener.AcceptAsync(cancellation).ConfigureAwait(false);
                }
                catch (SocketException e)
                {
                    // A connection that was gone before it was taken is nothing; being out of descriptors passes.
                    if (SocketFailures.Kind(e.SocketErrorCode) == FailureKind.LimitReached)
                    {
                        await Task.Delay(AcceptPause, cancellation).ConfigureAwait(false);
                    }
                }
                finally
                {
                    if (accepted is null)
                    {
                        _slots.Release();
                    }
                }

                if (accepted is not null)
                {
                    _ = ServeAsync(accepted, serve, cancellation);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket accepted, Serve serve, CancellationToken cancellation)
    {
        try
        {
            await Task.Yield(); // accepting goes on
            if (accepted.AddressFamily != AddressFamily.Unix)
            {
                accepted.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                accepted.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
                accepted.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveProbeSeconds);
                accepted.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
            }

            SocketConnection connection = new(accepted, "The application's connection");
            await using (connection.ConfigureAwait(false))
            {
                await serve(connection, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is CulvertException or SocketException or OperationCanceledException)
        {
            // One connection's failure was told to its application as well as it could be.
        }
        catch (Exception e)
        {
            _warn?.Invoke($"A connection was dropped because of a defect in Culvert; please report it: {e}");
        }
        finally
        {
            accepted.Dispose();
            _slots.Release();
        }
    }
}
