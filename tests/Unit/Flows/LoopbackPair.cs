using System;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Culvert.Tests.Unit.Flows;

/// <summary>Two connected TCP sockets of this machine.</summary>
internal sealed class LoopbackPair : IDisposable
{
    private LoopbackPair(Socket near, Socket far) => (Near, Far) = (near, far);

    public Socket Near { get; }

    public Socket Far { get; }

    public static async Task<LoopbackPair> ConnectAsync(int? bufferSize = null)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (bufferSize is { } size)
        {
            listener.ReceiveBufferSize = size;
            listener.SendBufferSize = size;
        }

        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        Socket near = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (bufferSize is { } own)
        {
            near.ReceiveBufferSize = own;
            near.SendBufferSize = own;
        }

        await near.ConnectAsync(listener.LocalEndPoint!);
        return new LoopbackPair(near, await listener.AcceptAsync());
    }

    public void Dispose()
    {
        Near.Dispose();
        Far.Dispose();
    }
}
