using System;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Culvert.Bench.Load;

/// <summary>
/// How the load's sockets get to the target: straight, or by a SOCKS5 proxy (RFC 1928, no authentication). Written without
/// Culvert's own codec, so that an error there cannot hide.
/// </summary>
internal sealed class Reach(string congestion, IPEndPoint? proxy)
{
    private const int IpProtocolTcp = 6;

    // linux/tcp.h: TCP_CONGESTION.
    private const int TcpCongestion = 13;

    /// <summary>Length of the header in front of a datagram to a SOCKS relay: 2 reserved, fragment, address type, IPv4 address, port.</summary>
    private const int RelayHeader = 10;

    private const int TimeOutMilliseconds = 10_000;

    private readonly byte[] _congestion = Encoding.ASCII.GetBytes(congestion);

    /// <summary>Opens a TCP connection.</summary>
    internal Socket Connect(IPAddress target, int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = TimeOutMilliseconds,
            SendTimeout = TimeOutMilliseconds,
        };
        try
        {
            ChooseCongestion(socket);
            socket.Connect(proxy ?? new IPEndPoint(target, port));
            if (proxy is not null)
            {
                Request(socket, 1, target, port);
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// A connected UDP socket, and a datagram of <paramref name="size"/> bytes of payload ready to be sent on it. <paramref name="anchor"/> is the TCP connection
    /// that keeps a SOCKS association alive, null without a proxy.
    /// </summary>
    internal Socket Datagrams(IPAddress target, int port, int size, out byte[] datagram, out Socket? anchor)
    {
        anchor = null;
        datagram = new byte[size];
        IPEndPoint peer = new(target, port);
        if (proxy is not null)
        {
            anchor = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = TimeOutMilliseconds };
            anchor.Connect(proxy);
            peer = Request(anchor, 3, IPAddress.Any, 0);
            if (peer.Address.Equals(IPAddress.Any))
            {
                peer = new IPEndPoint(proxy.Address, peer.Port);
            }

            datagram = new byte[RelayHeader + size];
            datagram[3] = 1;
            target.TryWriteBytes(datagram.AsSpan(4), out _);
            BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(8), (ushort)port);
        }

        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(peer);
        return socket;
    }

    /// <summary>What the routes do elsewhere in the bench (inside of a tunnel they are the tunnel's); every algorithm is open to whoever has CAP_NET_ADMIN.</summary>
    private void ChooseCongestion(Socket socket)
    {
        try
        {
            socket.SetRawSocketOption(IpProtocolTcp, TcpCongestion, _congestion);
        }
        catch (SocketException exception)
        {
            throw new ReachException($"the load's sockets may not use the congestion control {congestion}: {exception.Message}");
        }
    }

    private static IPEndPoint Request(Socket socket, byte command, IPAddress address, int port)
    {
        Span<byte> answer = stackalloc byte[10];
        socket.Send([5, 1, 0]);
        if (!Threads.ReceiveAll(socket, answer[..2]) || answer[1] != 0)
        {
            throw new ReachException("the SOCKS server does not do without authentication");
        }

        Span<byte> request = [5, command, 0, 1, 0, 0, 0, 0, (byte)(port >> 8), (byte)port];
        address.TryWriteBytes(request[4..], out _);
        socket.Send(request);
        if (!Threads.ReceiveAll(socket, answer[..4]))
        {
            throw new ReachException("the SOCKS server hung up");
        }

        if (answer[1] != 0 || answer[3] != 1)
        {
            throw new ReachException($"the SOCKS server refused command {command} with reply {answer[1]}");
        }

        return Threads.ReceiveAll(socket, answer[4..])
            ? new IPEndPoint(new IPAddress(answer[4..8]), BinaryPrimitives.ReadUInt16BigEndian(answer[8..]))
            : throw new ReachException("the SOCKS server hung up");
    }
}
