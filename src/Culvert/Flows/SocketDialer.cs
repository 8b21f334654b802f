using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Flows;

/// <summary>The portable dialer: the framework's own sockets. Safe for use from many threads.</summary>
internal sealed class SocketDialer : IDialer
{
    private SocketDialer()
    {
    }

    /// <summary>The one there is; it has no state.</summary>
    public static SocketDialer Instance { get; } = new();

    /// <inheritdoc/>
    public async ValueTask<IConnection> DialAsync(IPEndPoint endpoint, OutgoingInterface? outgoing, string what, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        Socket? socket = null;
        try
        {
            socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            outgoing?.Bind(socket);
            await socket.ConnectAsync(endpoint, cancellation).ConfigureAwait(false);
            return new SocketConnection(socket, what);
        }
        catch (Exception e)
        {
            socket?.Dispose();
            cancellation.ThrowIfCancellationRequested();
            throw e is SocketException error ? SocketFailures.ToFailure(error, what) : e;
        }
    }
}
