using System;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Tests.Unit.Flows;

/// <summary>A host of this machine that one connection is made to.</summary>
internal sealed class FarSide : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private Socket? _far;

    public FarSide(int? bufferSize = null)
    {
        if (bufferSize is { } size)
        {
            _listener.ReceiveBufferSize = size;
            _listener.SendBufferSize = size;
        }

        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1);
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>The connection's end here, once it has been made.</summary>
    public Socket Far => _far ??= _listener.Accept();

    public void Dispose()
    {
        _far?.Dispose();
        _listener.Dispose();
    }
}
