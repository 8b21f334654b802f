using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Dns;

namespace Culvert.Tests.Unit.Names;

/// <summary>A name server on loopback, UDP and TCP on one port, that answers each query with what a function gives.</summary>
internal sealed class LoopbackNameServer : IAsyncDisposable
{
    private readonly Func<byte[], bool, IEnumerable<byte[]>> _answer;
    private readonly Socket _datagrams;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _loops;

    /// <summary>The function gets the query and whether it came over TCP; no answers at all is silence.</summary>
    public LoopbackNameServer(Func<byte[], bool, IEnumerable<byte[]>> answer)
    {
        _answer = answer;
        (_datagrams, _listener) = Bind();
        EndPoint = (IPEndPoint)_datagrams.LocalEndPoint!;
        _listener.Listen();
        _loops = [ServeDatagramsAsync(), ServeStreamsAsync()];
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Every query that came, and whether over TCP.</summary>
    public ConcurrentQueue<(byte[] Query, bool OverTcp)> Asked { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _datagrams.Dispose();
        _listener.Dispose();
        await Task.WhenAll(_loops);
        _stop.Dispose();
    }

    private static (Socket Datagrams, Socket Listener) Bind()
    {
        while (true)
        {
            var datagrams = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                datagrams.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                listener.Bind(datagrams.LocalEndPoint!);
                return (datagrams, listener);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Somebody has the TCP port of the UDP port that we were given: take another.
                datagrams.Dispose();
                listener.Dispose();
            }
        }
    }

    private async Task ServeDatagramsAsync()
    {
        byte[] buffer = new byte[65535];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult got = await _datagrams.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                byte[] query = buffer[..got.ReceivedBytes];
                Asked.Enqueue((query, false));
                foreach (byte[] answer in _answer(query, false))
                {
                    await _datagrams.SendToAsync(answer, got.RemoteEndPoint, _stop.Token);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                continue;
            }
        }
    }

    private async Task ServeStreamsAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using Socket socket = await _listener.AcceptAsync(_stop.Token);
                using var stream = new NetworkStream(socket);
                byte[] prefix = new byte[2];
                await stream.ReadExactlyAsync(prefix, _stop.Token);
                byte[] query = new byte[(prefix[0] << 8) | prefix[1]];
                await stream.ReadExactlyAsync(query, _stop.Token);
                Asked.Enqueue((query, true));
                foreach (byte[] answer in _answer(query, true))
                {
                    await stream.WriteAsync(DnsFraming.Frame(answer), _stop.Token);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException or System.IO.IOException)
            {
                continue;
            }
        }
    }
}
