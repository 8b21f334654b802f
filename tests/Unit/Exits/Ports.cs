using System.Net;
using System.Net.Sockets;

namespace Culvert.Tests.Unit.Exits;

/// <summary>Sockets of this machine for tests.</summary>
internal static class Ports
{
    public static int Unused()
    {
        using Socket socket = Listen(IPAddress.Loopback);
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
