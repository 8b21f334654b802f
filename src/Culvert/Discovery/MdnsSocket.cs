using System;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Mdns;
using Culvert.Flows;

namespace Culvert.Discovery;

/// <summary>
/// The group of multicast DNS on one interface and family. The socket is bound to the group's own address and to the interface, so that nothing but what was said to the group there
/// is heard: who is not on the link is not answered.
/// </summary>
internal sealed class MdnsSocket : IDisposable
{
    /// <summary>The port of multicast DNS (RFC 6762 section 3).</summary>
    public const int Port = 5353;

    private const int Hops = 255;
    private const int SolSocket = 1;
    private const int BindToDevice = 25;

    private readonly Socket _socket;
    private readonly IPEndPoint _group;

    private MdnsSocket(Socket socket, IPEndPoint group)
    {
        _socket = socket;
        _group = group;
    }

    /// <summary>Joins the group.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/> or <see cref="FailureKind.Privilege"/>: the system does not let us.</exception>
    public static MdnsSocket Join(string interfaceName, int index, bool isV6)
    {
        Socket socket = new(isV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            IPAddress group = isV6 ? new IPAddress(IPAddress.Parse("ff02::fb").GetAddressBytes(), index) : IPAddress.Parse("224.0.0.251");
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.SetRawSocketOption(SolSocket, BindToDevice, Encoding.UTF8.GetBytes(interfaceName));
            if (isV6)
            {
                socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only, true);
                socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, index);
                socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastTimeToLive, Hops);
                socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(group, index));
            }
            else
            {
                socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.HostToNetworkOrder(index));
                socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, Hops);
                socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.IpTimeToLive, Hops);
                socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(group, index));
            }

            IPEndPoint endpoint = new(group, Port);
            socket.Bind(endpoint);
            return new MdnsSocket(socket, endpoint);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new CulvertException(
                e.SocketErrorCode == SocketError.AccessDenied ? FailureKind.Privilege : FailureKind.Configuration,
                $"Multicast DNS cannot be spoken on {interfaceName}: {SocketFailures.ToFailure(e, "Joining its group").Message}",
                e);
        }
    }

    /// <summary>Receives a message; who sent it is the second. Fails with <see cref="CulvertException"/> when the socket is closed.</summary>
    public async ValueTask<(int Length, IPEndPoint From)> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                SocketReceiveFromResult result = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, _group, cancellation).ConfigureAwait(false);
                return (result.ReceivedBytes, (IPEndPoint)result.RemoteEndPoint);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.MessageSize or SocketError.ConnectionRefused)
            {
                // Larger than any message, or an answer to one of ours that found nobody: neither is the group's end.
            }
            catch (Exception e) when (SocketFailures.TryToFailure(e, "Multicast DNS") is { } failure)
            {
                throw failure;
            }
        }
    }

    /// <summary>Sends to the group, or to <paramref name="asker"/>. What cannot go now is lost, as datagrams are.</summary>
    public void Send(MdnsOutgoing outgoing, IPEndPoint? asker)
    {
        try
        {
            _socket.SendTo(outgoing.Message, outgoing.ToAsker && asker is not null ? asker : _group);
        }
        catch (Exception e) when (SocketFailures.TryToFailure(e, "Multicast DNS") is not null)
        {
            // The interface is going, or has no address yet; multicast DNS says everything more than once.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
