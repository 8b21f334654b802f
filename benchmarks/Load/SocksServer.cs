using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace Culvert.Bench.Load;

/// <summary>
/// A SOCKS5 server (RFC 1928: CONNECT and UDP ASSOCIATE to IPv4 addresses, no authentication) that costs as little as it can: the proxy on the far side must not be
/// what limits. One thread has a connection from the accept on, so that none is handed over.
/// </summary>
internal static class SocksServer
{
    private const int BlockSize = 256 * 1024;
    private const int RelayHeader = 10;

    // Threads that wait for the next connection: making one costs as much as the connection itself.
    private const int KeptThreads = 256;

    private static int _waiting;

    /// <summary>Binds; when this returns, clients may come.</summary>
    internal static void Start(IPEndPoint at)
    {
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(at);
        listener.Listen(4096);
        Await(listener, at.Address);
    }

    /// <summary>One more thread that waits for connections; the last that waits begins the next.</summary>
    private static void Await(Socket listener, IPAddress own)
    {
        Interlocked.Increment(ref _waiting);
        Threads.AcceptWhile(listener, client =>
        {
            if (Interlocked.Decrement(ref _waiting) == 0)
            {
                Await(listener, own);
            }

            try
            {
                Serve(client, own);
            }
            catch (SocketException)
            {
                // Either side went away, which is its own affair; both are closed.
            }

            if (Interlocked.Increment(ref _waiting) <= KeptThreads)
            {
                return true;
            }

            Interlocked.Decrement(ref _waiting);
            return false;
        });
    }

    private static void Serve(Socket client, IPAddress own)
    {
        using (client)
        {
            client.NoDelay = true;
            Span<byte> head = stackalloc byte[262];
            if (!Threads.ReceiveAll(client, head[..2]) || !Threads.ReceiveAll(client, head.Slice(2, head[1])))
            {
                return;
            }

            client.Send([5, 0]);
            if (!Threads.ReceiveAll(client, head[..10]) || head[3] != 1)
            {
                return;
            }

            IPEndPoint target = new(new IPAddress(head[4..8]), BinaryPrimitives.ReadUInt16BigEndian(head[8..]));
            if (head[1] == 1)
            {
                Connect(client, target);
            }
            else if (head[1] == 3)
            {
                Associate(client, own);
            }
            else
            {
                client.Send([5, 7, 0, 1, 0, 0, 0, 0, 0, 0]);
            }
        }
    }

    private static void Connect(Socket client, IPEndPoint target)
    {
        Socket? made = null;
        try
        {
            made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            made.Connect(target);
        }
        catch (SocketException exception)
        {
            made?.Dispose();
            client.Send([5, (byte)(exception.SocketErrorCode == SocketError.ConnectionRefused ? 5 : 1), 0, 1, 0, 0, 0, 0, 0, 0]);
            return;
        }

        using Socket server = made;
        client.Send([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        client.Blocking = false;
        server.Blocking = false;
        Direction up = new(client, server);
        Direction down = new(server, client);
        List<Socket> readable = [];
        List<Socket> writable = [];
        while (!up.HasEnded || !down.HasEnded)
        {
            readable.Clear();
            writable.Clear();
            up.Wait(readable, writable);
            down.Wait(readable, writable);
            Socket.Select(readable, writable, null, -1);
            up.Go(readable, writable);
            down.Go(readable, writable);
        }
    }

    private static void Associate(Socket client, IPAddress own)
    {
        using Socket inside = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 * 1024 * 1024 };
        using Socket outside = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 * 1024 * 1024 };
        inside.Bind(new IPEndPoint(own, 0));
        outside.Bind(new IPEndPoint(IPAddress.Any, 0));
        int port = ((IPEndPoint)inside.LocalEndPoint!).Port;
        byte[] reply = [5, 0, 0, 1, 0, 0, 0, 0, (byte)(port >> 8), (byte)port];
        own.TryWriteBytes(reply.AsSpan(4), out _);
        client.Send(reply);
        SocketAddress peer = new(AddressFamily.InterNetwork);
        Threads.Start(() => Out(inside, outside, peer));
        Threads.Start(() => Back(inside, outside, peer));
        client.Receive(reply);
    }

    private static void Out(Socket inside, Socket outside, SocketAddress peer)
    {
        byte[] datagram = new byte[65536];
        SocketAddress to = new IPEndPoint(IPAddress.Any, 0).Serialize();
        while (true)
        {
            int count = inside.ReceiveFrom(datagram, SocketFlags.None, peer);
            if (count >= RelayHeader && datagram[3] == 1)
            {
                // struct sockaddr_in: family, port, address.
                datagram.AsSpan(8, 2).CopyTo(to.Buffer.Span[2..]);
                datagram.AsSpan(4, 4).CopyTo(to.Buffer.Span[4..]);
                outside.SendTo(datagram.AsSpan(RelayHeader, count - RelayHeader), SocketFlags.None, to);
            }
        }
    }

    private static void Back(Socket inside, Socket outside, SocketAddress peer)
    {
        byte[] datagram = new byte[65536];
        SocketAddress from = new(AddressFamily.InterNetwork);
        datagram[3] = 1;
        while (true)
        {
            int count = outside.ReceiveFrom(datagram.AsSpan(RelayHeader), SocketFlags.None, from);
            from.Buffer.Span.Slice(2, 2).CopyTo(datagram.AsSpan(8));
            from.Buffer.Span.Slice(4, 4).CopyTo(datagram.AsSpan(4));
            inside.SendTo(datagram.AsSpan(0, RelayHeader + count), SocketFlags.None, peer);
        }
    }

    /// <summary>One direction of a connection: reads when it has nothing, writes when it has something.</summary>
    private sealed class Direction(Socket from, Socket to)
    {
        // Idle connections should not cost a large block each: it grows when it has been filled.
        private byte[] _block = new byte[1024];
        private int _start;
        private int _end;

        internal bool HasEnded { get; private set; }

        private bool HasBytes => _start < _end;

        internal void Wait(List<Socket> readable, List<Socket> writable)
        {
            if (!HasEnded)
            {
                (HasBytes ? writable : readable).Add(HasBytes ? to : from);
            }
        }

        internal void Go(List<Socket> readable, List<Socket> writable)
        {
            if (HasEnded || !(HasBytes ? writable.Contains(to) : readable.Contains(from)))
            {
                return;
            }

            if (!HasBytes)
            {
                if (_end == _block.Length && _end < BlockSize)
                {
                    _block = new byte[Math.Min(BlockSize, _end * 16)];
                }

                _start = 0;
                _end = from.Receive(_block, SocketFlags.None, out SocketError error);
                if (error != SocketError.Success)
                {
                    throw new SocketException((int)error);
                }

                if (_end == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    HasEnded = true;
                    return;
                }
            }

            // Mostly there is room, so that waiting for it would be one call too many.
            int sent = to.Send(_block.AsSpan(_start, _end - _start), SocketFlags.None, out SocketError failure);
            if (failure is not (SocketError.Success or SocketError.WouldBlock))
            {
                throw new SocketException((int)failure);
            }

            _start += sent;
        }
    }
}
