using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Entries;

/// <summary>Listens on ports and Unix sockets of this machine, each of which leads to one destination (<c>-L</c>).</summary>
public sealed class ForwardEntry : IAsyncDisposable
{
    private readonly EntryServer _server;
    private readonly EntryLimits _limits;
    private readonly IExit _exit;
    private readonly List<string> _paths = [];

    private ForwardEntry(IExit exit, EntryLimits limits, Action<string>? warn)
    {
        _exit = exit;
        _limits = limits;
        _server = new EntryServer(limits, warn);
    }

    /// <summary>Where it listens, in the order of the forwards, with the real ports.</summary>
    public IReadOnlyList<EndPoint> Listening => _server.Listening;

    /// <summary>
    /// Listens and serves from now on until disposed of. Fails with NotCarried when a forward leads to a Unix socket and the exit has none, and with
    /// Configuration or Privilege when it cannot listen. <paramref name="exit"/> stays the caller's.
    /// </summary>
    public static async Task<ForwardEntry> StartAsync(
        IExit exit, IReadOnlyList<ForwardSpec> forwards, EntryLimits? limits = null, Action<string>? warn = null)
    {
        ForwardEntry entry = new(exit, limits ?? EntryLimits.Default, warn);
        try
        {
            foreach (ForwardSpec forward in forwards)
            {
                if (forward.DestinationPath is not null && !exit.Capabilities.HasFlag(ExitCapabilities.UnixSockets))
                {
                    throw new CulvertException(
                        FailureKind.NotCarried, $"The forward {forward} leads to a Unix socket, and {exit.Description} cannot connect to those. Use host:port.");
                }

                entry._server.Add(entry.Open(forward), (connection, cancellation) => entry.ServeAsync(forward, connection, cancellation));
            }

            return entry;
        }
        catch
        {
            await entry.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops listening, removes the Unix sockets and ends every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (string path in _paths)
        {
            File.Delete(path);
        }

        _paths.Clear();
        await _server.DisposeAsync().ConfigureAwait(false);
    }

    private Socket Open(ForwardSpec forward)
    {
        if (forward.ListenPath is not { } path)
        {
            return ListenSockets.Tcp(forward.Listen!, _limits.Backlog);
        }

        Socket socket = ListenSockets.Unix(path, _limits.Backlog);
        _paths.Add(path);
        return socket;
    }

    // A connection that the exit cannot make is reset: there is no word for it in a plain byte stream.
    private async Task ServeAsync(ForwardSpec forward, SocketConnection connection, CancellationToken cancellation)
    {
        IConnection far = forward.DestinationPath is { } path
            ? await _exit.ConnectUnixAsync(path, cancellation).ConfigureAwait(false)
            : await _exit.ConnectAsync(forward.Destination, cancellation).ConfigureAwait(false);
        await Relay.RunAsync(connection, far, _limits.Relay, cancellation).ConfigureAwait(false);
    }
}
