using System;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace Culvert.Bench.Load;

/// <summary>
/// A SOCKS5 server (RFC 1928: CONNECT and UDP ASSOCIATE to IPv4 addresses, no authentication) that costs as little as blocking calls and large
/// buffers can: the proxy on the far side must not be what limits.
/// </summary>
internal static class SocksServer
{
    private const int BlockSize = 256 * 1024;
    private const int RelayHeader = 10;

    /// <summary>Binds; when this returns, clients may come.</summary>
    internal static void Start(IPEndPoint at)
    {
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(at);
        listener.Listen(4096);
        Threads.Accept(listener, client => Workers.Run(() => Serve(client, at.Address)));
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
        using ManualResetEventSlim up = Workers.Run(() => Copy(client, server), () => Close(client, server));
        try
        {
            Copy(server, client);
        }
        catch (SocketException)
        {
            Close(client, server);
        }

        up.Wait();
    }

    private static void Copy(Socket from, Socket to)
    {
        // Idle connections should not cost a large block each: the first read is into a small one.
        Span<byte> first = stackalloc byte[4096];
        int count = from.Receive(first);
        if (count > 0)
        {
            to.Send(first[..count]);
            byte[] block = count == first.Length ? new byte[BlockSize] : new byte[16384];
            while ((count = from.Receive(block)) > 0)
            {
                to.Send(block.AsSpan(0, count));
                block = count == block.Length && count < BlockSize ? new byte[BlockSize] : block;
            }
        }

        to.Shutdown(SocketShutdown.Send);
    }

    private static void Close(Socket client, Socket server)
    {
        client.Dispose();
        server.Dispose();
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
}
