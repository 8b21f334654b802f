using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Tests.Unit.Exits;

/// <summary>Sockets of this machine for tests.</summary>
internal static class Ports
{
    // Bound but not listening: refused, and nobody else's while the tests run.
    private static readonly ConcurrentBag<Socket> Kept = [];

    public static int Unused()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Kept.Add(socket);
        return Of(socket);
    }

    public static Socket Listen(IPAddress address)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        socket.Listen(16);
        return socket;
    }

    public static Socket BindUdp(IPAddress address)
    {
        Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    }

    public static ushort Of(Socket socket) => (ushort)((IPEndPoint)socket.LocalEndPoint!).Port;
}
