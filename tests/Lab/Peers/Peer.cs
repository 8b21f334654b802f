using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Tests.Lab.Peers;

/// <summary>A server of the test process that lives on a host of the lab: serves TCP connections or UDP datagrams until disposed.</summary>
public sealed class Peer : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _sockets = [];
    private int _accepted;

    private Peer()
    {
    }

    /// <summary>Connections accepted so far, or datagrams received.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Serves each TCP connection on <paramref name="port"/> (both families) with <paramref name="serve"/>; the connection is closed when that returns.</summary>
    public static Peer Tcp(Host host, int port, Func<NetworkStream, CancellationToken, Task> serve, IPAddress? address = null)
    {
        Peer peer = new();
        Socket listener = host.Listen(port, address);
        peer._sockets.Add(listener);
        _ = peer.AcceptAsync(listener, serve);
        return peer;
    }

    /// <summary>Answers each datagram on <paramref name="port"/>, from every address of the host; null: no answer.</summary>
    public static Peer Udp(Host host, int port, Func<Memory<byte>, ReadOnlyMemory<byte>?> answer, params IPAddress[] addresses)
    {
        Peer peer = new();
        foreach (IPAddress address in addresses.Length > 0 ? addresses : [host.V4, host.V6])
        {
            Socket socket = host.NewSocket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.ReceiveBufferSize = 4 * 1024 * 1024;
            socket.Bind(new IPEndPoint(address, port));
            peer._sockets.Add(socket);
            _ = peer.AnswerAsync(socket, answer);
        }

        return peer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }

        _stop.Dispose();
    }

    private async Task AcceptAsync(Socket listener, Func<NetworkStream, CancellationToken, Task> serve)
    {
        CancellationToken stop = _stop.Token;
        try
        {
            while (true)
            {
                Socket socket = await listener.AcceptAsync(stop).ConfigureAwait(false);
                Interlocked.Increment(ref _accepted);
                _ = ServeAsync(socket, serve, stop);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Disposed: the listener is gone, and with it this loop.
        }
    }

    private static async Task ServeAsync(Socket socket, Func<NetworkStream, CancellationToken, Task> serve, CancellationToken stop)
    {
        socket.NoDelay = true;
        using NetworkStream stream = new(socket, ownsSocket: true);
        try
        {
            await serve(stream, stop).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client went away, which is its right; what it saw is what the test checks.
        }
    }

    private async Task AnswerAsync(Socket socket, Func<Memory<byte>, ReadOnlyMemory<byte>?> answer)
    {
        byte[] buffer = new byte[65536];
        CancellationToken stop = _stop.Token;
        IPEndPoint any = new(socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (true)
        {
            try
            {
                SocketReceiveFromResult received = await socket.ReceiveFromAsync(buffer, any, stop).ConfigureAwait(false);
                Interlocked.Increment(ref _accepted);
                if (answer(buffer.AsMemory(0, received.ReceivedBytes)) is { } reply)
                {
                    await socket.SendToAsync(reply, received.RemoteEndPoint, stop).ConfigureAwait(false);
                }
            }
            catch (SocketException) when (!stop.IsCancellationRequested)
            {
                // An ICMP error of an earlier answer: the client's port is closed by now.
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }
}
