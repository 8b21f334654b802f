using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Tests.Unit.Exits;

namespace Culvert.Tests.Unit.Entries;

/// <summary>Sends back what it gets, and finishes when its client does.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public EchoServer(IPAddress? address = null)
    {
        _listener = Ports.Listen(address ?? IPAddress.Loopback);
        _loop = RunAsync();
    }

    public int Port => Ports.Of(_listener);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                _ = EchoAsync(await _listener.AcceptAsync(_stop.Token));
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                byte[] buffer = new byte[65536];
                for (int n; (n = await socket.ReceiveAsync(buffer, _stop.Token)) > 0;)
                {
                    for (int at = 0; at < n;)
                    {
                        at += await socket.SendAsync(buffer.AsMemory(at, n - at), _stop.Token);
                    }
                }

                socket.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Its client's affair.
            }
        }
    }
}
