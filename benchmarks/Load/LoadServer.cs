using System;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Bench.Load;

/// <summary>The far side of every benchmark: listens on <see cref="LoadPorts"/> until the process ends.</summary>
internal static class LoadServer
{
    private const int BlockSize = 256 * 1024;
    private const int ThreadsPerOncePort = 6;
    private const int LongestAnswer = 1024 * 1024;

    private static readonly byte[] Zeros = new byte[LongestAnswer];
    private static readonly ConcurrentBag<Socket> Held = [];

    /// <summary>Binds everything; when this returns, clients may come.</summary>
    internal static void Start()
    {
        Serve(LoadPorts.Sink, Sink);
        Serve(LoadPorts.Source, Source);
        Serve(LoadPorts.Requests, Answer);
        Threads.Accept(Listen(LoadPorts.Hold), Hold);
        for (int index = 0; index < LoadPorts.OnceCount; index++)
        {
            Socket listener = Listen(LoadPorts.Once + index);
            for (int thread = 0; thread < ThreadsPerOncePort; thread++)
            {
                Threads.Accept(listener, Once);
            }
        }

        Socket datagrams = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 * 1024 * 1024 };
        datagrams.Bind(new IPEndPoint(IPAddress.Any, LoadPorts.Datagrams));
        Threads.Start(() => Count(datagrams));
    }

    /// <summary>Closes the connections that <see cref="LoadPorts.Hold"/> has kept.</summary>
    internal static void Release()
    {
        while (Held.TryTake(out Socket? socket))
        {
            socket.Dispose();
        }
    }

    private static Socket Listen(int port)
    {
        Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.Any, port));
        listener.Listen(4096);
        return listener;
    }

    private static void Serve(int port, Action<Socket> body) => Threads.Accept(Listen(port), socket => Threads.Start(() =>
    {
        using (socket)
        {
            body(socket);
        }
    }));

    private static void Sink(Socket socket)
    {
        byte[] block = new byte[BlockSize];
        int count;
        while ((count = socket.Receive(block)) > 0)
        {
            Counters.AddBytes(count);
        }
    }

    private static void Source(Socket socket)
    {
        while (true)
        {
            socket.Send(Zeros.AsSpan(0, BlockSize));
        }
    }

    private static void Answer(Socket socket)
    {
        socket.NoDelay = true;
        Span<byte> request = stackalloc byte[LoadPorts.RequestLength];
        while (Threads.ReceiveAll(socket, request))
        {
            int length = Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(request), 1, LongestAnswer);
            socket.Send(Zeros.AsSpan(0, length));
        }
    }

    private static void Hold(Socket socket)
    {
        socket.Send(Zeros.AsSpan(0, 1));
        Held.Add(socket);
    }

    private static void Once(Socket socket)
    {
        using (socket)
        {
            Span<byte> one = stackalloc byte[1];
            if (socket.Receive(one) == 1)
            {
                socket.Send(one);
                socket.Receive(one);
            }
        }
    }

    private static void Count(Socket socket)
    {
        byte[] datagram = new byte[65536];
        while (true)
        {
            socket.Receive(datagram);
            Counters.AddDatagram();
        }
    }
}
