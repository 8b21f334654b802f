using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;
using Culvert.Flows.Socks;

namespace Culvert.Entries;

/// <summary>
/// The client's side of a UDP association (RFC 1928 section 7): a socket at the address the client reached us at, for datagrams of that client only –
/// from the address of its TCP connection, and from the port of its first datagram. (What the request says about the client's address is passed over:
/// too many clients say something wrong there.) Ends with the TCP connection.
/// </summary>
internal sealed class SocksClientAssociation : IAssociation
{
    private readonly BufferedConnection _control;
    private readonly Socket _socket;
    private readonly IPAddress _peer;
    private readonly SocketAddress _from;
    private readonly Task _watch;
    private SocketAddress? _client;
    private int _disposed;

    /// <summary>Opens the socket; <see cref="SocketException"/> when the system has none. The control connection stays the caller's.</summary>
    public SocksClientAssociation(BufferedConnection control, IPAddress local, IPAddress peer)
    {
        _control = control;
        IPAddress address = local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local;
        _peer = peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer;
        _socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            _socket.Bind(new IPEndPoint(address, 0));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        Bound = (IPEndPoint)_socket.LocalEndPoint!;
        _from = new SocketAddress(address.AddressFamily);
        _watch = WatchAsync();
    }

    /// <summary>Where the client sends its datagrams.</summary>
    public IPEndPoint Bound { get; }

    /// <summary>Sends to the client what came from <paramref name="destination"/>.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
    {
        if (Volatile.Read(ref _client) is not { } client)
        {
            return; // nobody has asked for anything yet
        }

        byte[] packet = ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxHeader + payload.Length);
        try
        {
            if (SocksDatagram.TryWriteUdp(packet, destination.ToSocks(), out int header))
            {
                payload.CopyTo(packet.AsMemory(header));
                await _socket.SendToAsync(packet.AsMemory(0, header + payload.Length), SocketFlags.None, client, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Dropped, as UDP does; the association's end is the receiver's to tell.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packet);
        }
    }

    /// <summary>Receives a datagram of the client; <see cref="ReceivedDatagram.From"/> is where it is to go.</summary>
    public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        while (true)
        {
            try
            {
                SocketFlags flags = buffer.IsEmpty ? SocketFlags.Peek : SocketFlags.None;
                int count = await _socket.ReceiveFromAsync(buffer, flags, _from, cancellation).ConfigureAwait(false);
                if (buffer.IsEmpty)
                {
                    return default;
                }

                if (IsClient() && SocksDatagram.TryParseUdp(buffer.Span[..count], out SocksAddress to, out int header))
                {
                    buffer[header..count].CopyTo(buffer);
                    return new ReceivedDatagram(count - header, to.ToDestination());
                }
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionRefused or SocketError.MessageSize)
            {
                // One datagram's trouble.
            }
            catch (Exception e) when (SocketFailures.TryToFailure(e, "The client's UDP association") is { } failure)
            {
                throw failure;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _socket.Dispose();
            _control.Abort();
        }

        await _watch.ConfigureAwait(false);
    }

    private bool IsClient()
    {
        if (_client is not null)
        {
            return _from.Equals(_client);
        }

        IPEndPoint any = new(_socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        if (!((IPEndPoint)any.Create(_from)).Address.Equals(_peer))
        {
            return false;
        }

        SocketAddress client = new(_from.Family, _from.Size);
        _from.Buffer.Span[.._from.Size].CopyTo(client.Buffer.Span);
        Volatile.Write(ref _client, client);
        return true;
    }

    private async Task WatchAsync()
    {
        byte[] nothing = new byte[64];
        try
        {
            while (await _control.ReadAsync(nothing).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (CulvertException)
        {
            // The end all the same.
        }

        _socket.Dispose();
    }
}
