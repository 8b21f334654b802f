using System;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Flows;

namespace Culvert.Exits;

/// <summary>
/// A UDP association on one socket of this machine: IPv6 with IPv4 in its mapped form where the system has IPv6, else IPv4. What comes back from
/// an address that a name was resolved to is said to come from that name.
/// </summary>
internal sealed class DirectAssociation : ISocketAssociation
{
    /// <summary>Names an association remembers the addresses of; when there are more, all are looked up again.</summary>
    public const int MaxNames = 256;

    private readonly Socket _socket;
    private readonly AddressLookup _lookup;
    private readonly ConcurrentDictionary<Destination, Destination> _resolved = new();
    private readonly ConcurrentDictionary<Destination, Destination> _names = new();
    private readonly SocketAddress _from;
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _detached;
    private Sent? _lastSent;
    private SocketAddress? _lastFrom;
    private Destination _lastSource;

    /// <summary>Opens the socket; <see cref="SocketException"/> when the system has none to give.</summary>
    public DirectAssociation(AddressLookup lookup, OutgoingInterface? outgoing = null)
    {
        _lookup = lookup;
        _socket = Open(outgoing);
        _from = new SocketAddress(_socket.AddressFamily);
    }

    /// <inheritdoc/>
    public Task Over => _over.Task;

    private bool IsV4Only => _socket.AddressFamily == AddressFamily.InterNetwork;

    /// <inheritdoc/>
    public Socket? Detach()
    {
        _detached = true;
        return _socket;
    }

    /// <inheritdoc/>
    public bool TryAddress(Destination destination, Span<byte> head, out IpEndpoint to, out int headLength)
    {
        headLength = 0;
        to = default;
        if (destination.Name is not null && !_resolved.TryGetValue(destination, out destination))
        {
            return false;
        }

        to = new IpEndpoint(IpAddr.From(destination.Address!), destination.Port);
        return to.Address.IsV4 || !IsV4Only;
    }

    /// <inheritdoc/>
    public bool TryReadHead(IpEndpoint sender, ReadOnlySpan<byte> datagram, out DatagramSource source)
    {
        string? name = !_names.IsEmpty && _names.TryGetValue(new Destination(sender.Address.ToIPAddress(), sender.Port), out Destination named) ? named.Name : null;
        source = new DatagramSource(sender, name, Head: 0);
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
    {
        Destination known = destination.Name is null ? destination : await ResolveAsync(destination, cancellation).ConfigureAwait(false);
        try
        {
            SocketAddress address = Address(known);
            await _socket.SendToAsync(payload, SocketFlags.None, address, cancellation).ConfigureAwait(false);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.MessageSize or SocketError.NoBufferSpaceAvailable or SocketError.WouldBlock)
        {
            // UDP's own way of saying no.
        }
        catch (Exception e) when (SocketFailures.TryToFailure(e, $"A datagram to {destination}") is { } failure)
        {
            throw failure;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        while (true)
        {
            try
            {
                SocketFlags flags = buffer.IsEmpty ? SocketFlags.Peek : SocketFlags.None;
                int count = await _socket.ReceiveFromAsync(buffer, flags, _from, cancellation).ConfigureAwait(false);
                return buffer.IsEmpty ? default : new ReceivedDatagram(count, Source());
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionRefused or SocketError.MessageSize)
            {
                // One datagram's trouble is not the association's.
            }
            catch (Exception e) when (SocketFailures.TryToFailure(e, "The UDP association") is { } failure)
            {
                throw failure;
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (!_detached)
        {
            _socket.Dispose();
        }

        _over.TrySetResult();
        return ValueTask.CompletedTask;
    }

    private static Socket Open(OutgoingInterface? outgoing)
    {
        if (!Socket.OSSupportsIPv6)
        {
            return Bind(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp), IPAddress.Any, outgoing);
        }

        Socket socket = new(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        socket.DualMode = true;
        return Bind(socket, IPAddress.IPv6Any, outgoing);
    }

    private static Socket Bind(Socket socket, IPAddress any, OutgoingInterface? outgoing)
    {
        try
        {
            outgoing?.Bind(socket);
            socket.Bind(new IPEndPoint(any, 0));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async ValueTask<Destination> ResolveAsync(Destination named, CancellationToken cancellation)
    {
        if (_resolved.TryGetValue(named, out Destination known))
        {
            return known;
        }

        IPAddress[] addresses = await _lookup(named.Host, cancellation).ConfigureAwait(false);
        // No race is run for datagrams: IPv4 is what reaches further where both exist and only one answers.
        IPAddress address = Array.Find(addresses, a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
        known = new Destination(address, named.Port);
        if (_resolved.Count >= MaxNames)
        {
            _resolved.Clear();
            _names.Clear();
        }

        _resolved[named] = known;
        _names[known] = named;
        return known;
    }

    // The last one is kept: most associations speak to one destination, and a sockaddr is garbage otherwise.
    private SocketAddress Address(Destination destination)
    {
        Sent? last = Volatile.Read(ref _lastSent);
        if (last is null || last.Destination != destination)
        {
            IPAddress address = destination.Address!;
            if (IsV4Only && address.AddressFamily == AddressFamily.InterNetworkV6)
            {
                throw new CulvertException(FailureKind.NetworkUnreachable, "This system has no IPv6.");
            }

            address = IsV4Only ? address : address.MapToIPv6();
            last = new Sent(destination, new IPEndPoint(address, destination.Port).Serialize());
            Volatile.Write(ref _lastSent, last);
        }

        return last.Address;
    }

    private Destination Source()
    {
        if (!_from.Equals(_lastFrom))
        {
            IPEndPoint any = new(IsV4Only ? IPAddress.Any : IPAddress.IPv6Any, 0);
            IPEndPoint from = (IPEndPoint)any.Create(_from);
            _lastSource = new Destination(from.Address, from.Port);
            _lastFrom = new SocketAddress(_from.Family, _from.Size);
            _from.Buffer.Span[.._from.Size].CopyTo(_lastFrom.Buffer.Span);
        }

        return _names.IsEmpty || !_names.TryGetValue(_lastSource, out Destination named) ? _lastSource : named;
    }

    private sealed record Sent(Destination Destination, SocketAddress Address);
}
