using System;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Tests.Unit.Exits;

namespace Culvert.Tests.Unit.Entries;

/// <summary>An HTTP server that answers with the request it got, as one chunk; says 100 where it is expected, and echoes behind an upgrade.</summary>
internal sealed class Origin : IAsyncDisposable
{
    private readonly Socket _listener = Ports.Listen(IPAddress.Loopback);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public Origin() => _loop = RunAsync();

    /// <summary>Closes each connection after one answer without having said so.</summary>
    public bool CloseSilently { get; init; }

    public int Connections { get; private set; }

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
                Socket socket = await _listener.AcceptAsync(_stop.Token);
                Connections++;
                _ = ServeAsync(socket);
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                do
                {
                    string request = await ReadUntilAsync(socket, "\r\n\r\n", 0);
                    if (request.Contains("Upgrade: echo", StringComparison.Ordinal))
                    {
                        await SendAsync(socket, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
                        byte[] buffer = new byte[1000];
                        for (int n; (n = await socket.ReceiveAsync(buffer, _stop.Token)) > 0;)
                        {
                            await socket.SendAsync(buffer.AsMemory(0, n), _stop.Token);
                        }

                        return;
                    }

                    if (request.Contains("Expect: 100-continue", StringComparison.Ordinal))
                    {
                        await SendAsync(socket, "HTTP/1.1 100 Continue\r\n\r\n");
                    }

                    int length = request.IndexOf("Content-Length: ", StringComparison.Ordinal) is int at and >= 0 ? request[at + 16] - '0' : 0;
                    request += length > 0 ? await ReadUntilAsync(socket, "", length)
                        : request.Contains("chunked", StringComparison.Ordinal) ? await ReadUntilAsync(socket, "\r\n\r\n", 0) : "";
                    bool head = request.StartsWith("HEAD", StringComparison.Ordinal);
                    await SendAsync(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (head ? "" : $"{request.Length:x}\r\n{request}\r\n0\r\n\r\n"));
                }
                while (!CloseSilently);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or InvalidOperationException)
            {
                // Its client's affair.
            }
        }
    }

    private async Task<string> ReadUntilAsync(Socket socket, string end, int length)
    {
        StringBuilder text = new();
        byte[] one = new byte[1];
        while (length > 0 ? text.Length < length : text.Length < end.Length || text.ToString(text.Length - end.Length, end.Length) != end)
        {
            if (await socket.ReceiveAsync(one, _stop.Token) == 0)
            {
                throw new InvalidOperationException("the client is gone");
            }

            text.Append((char)one[0]);
        }

        return text.ToString();
    }

    private async Task SendAsync(Socket socket, string text) => await socket.SendAsync(Encoding.Latin1.GetBytes(text), _stop.Token);
}
