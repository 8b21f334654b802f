using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using Culvert.Core.Packets;
using Culvert.Tests.Unit.Exits;

namespace Culvert.Tests.Unit.Entries.Tun;

/// <summary>UDP sockets on 127.0.0.1, 127.0.0.2 and so on that send back what comes.</summary>
internal sealed class EchoSockets : IDisposable
{
    private readonly Socket[] _sockets;
    private readonly ConcurrentDictionary<EndPoint, bool> _peers = new();

    public EchoSockets(int count)
    {
        _sockets = [.. Enumerable.Range(0, count).Select(i => Ports.BindUdp(new IPAddress([127, 0, 0, (byte)(1 + i)])))];
        foreach (Socket socket in _sockets)
        {
            new Thread(() => Echo(socket)) { IsBackground = true }.Start();
        }
    }

    /// <summary>Endpoints that have sent something.</summary>
    public int Peers => _peers.Count;

    public EndPoint? LastPeer { get; private set; }

    public ushort Port(int index) => Ports.Of(_sockets[index]);

    /// <summary>The endpoint as the application knows it (see <see cref="ShiftedAssociation"/>).</summary>
    public IpEndpoint Shown(int index) => new(ShiftedAssociation.Address(index), Port(index));

    public void Dispose()
    {
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }
    }

    private void Echo(Socket socket)
    {
        byte[] buffer = new byte[65536];
        socket.ReceiveBufferSize = 1 << 20;
        try
        {
            while (true)
            {
                EndPoint from = new IPEndPoint(IPAddress.Any, 0);
                int count = socket.ReceiveFrom(buffer, ref from);
                LastPeer = from;
                _peers[from] = true;
                socket.SendTo(buffer.AsSpan(0, count), from);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
