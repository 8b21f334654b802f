using System;
using System.Buffers;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Proxy;
using Culvert.Flows;
using Culvert.Flows.Socks;

namespace Culvert.Exits;

/// <summary>
/// A UDP association at a SOCKS5 proxy (RFC 1928 section 7): datagrams with a header to its relay endpoint, through whatever the proxy is reached
/// through. It lives as long as the TCP connection that asked for it.
/// </summary>
internal sealed class SocksUdpAssociation : ISocketAssociation
{
    private readonly BufferedConnection _control;
    private readonly IAssociation _inner;
    private readonly Destination _relay;
    private readonly Task _watch;
    private byte[] _lastHead = [];
    private DatagramSource _lastSource;
    private int _disposed;

    /// <summary>Takes over both connections.</summary>
    public SocksUdpAssociation(BufferedConnection control, IAssociation inner, Destination relay)
    {
        _control = control;
        _inner = inner;
        _relay = relay;
        _watch = WatchAsync();
    }

    /// <inheritdoc/>
    public Task Over => _watch;

    /// <inheritdoc/>
    public Socket? Detach() => (_inner as ISocketAssociation)?.Detach();

    /// <inheritdoc/>
    public bool TryAddress(Destination destination, Span<byte> head, out IpEndpoint to, out int headLength) =>
        SocksDatagram.TryWriteUdp(head, destination.ToSocks(), out headLength) & ((ISocketAssociation)_inner).TryAddress(_relay, default, out to, out _);

    /// <inheritdoc/>
    public bool TryReadHead(IpEndpoint sender, ReadOnlySpan<byte> datagram, out DatagramSource source)
    {
        source = default;
        if (!((ISocketAssociation)_inner).TryAddress(_relay, default, out IpEndpoint relay, out _) || sender != relay)
        {
            return false; // anybody may send to our port; only the proxy speaks for others
        }

        // A name's is kept: it is garbage otherwise, and most speak to one destination.
        if (_lastHead.Length == 0 || !datagram.StartsWith(_lastHead))
        {
            if (!SocksDatagram.TryParseUdp(datagram, out SocksAddress from, out int head))
            {
                return false;
            }

            if (from.Name is null)
            {
                source = new DatagramSource(new IpEndpoint(IpAddr.FromBits(from.Bits), from.Port), null, head);
                return true;
            }

            Destination origin = from.ToDestination();
            _lastHead = datagram[..head].ToArray();
            _lastSource = new DatagramSource(new IpEndpoint(origin.Address is { } address ? IpAddr.From(address) : default, origin.Port), origin.Name, head);
        }

        source = _lastSource;
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
    {
        byte[] packet = ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxHeader + payload.Length);
        try
        {
            if (!SocksDatagram.TryWriteUdp(packet, destination.ToSocks(), out int header))
            {
                throw new CulvertException(FailureKind.NameNotFound, "A datagram's name is too long for SOCKS5.");
            }

            payload.CopyTo(packet.AsMemory(header));
            await _inner.SendAsync(packet.AsMemory(0, header + payload.Length), _relay, cancellation).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packet);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        if (buffer.IsEmpty)
        {
            return await _inner.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
        }

        byte[] packet = ArrayPool<byte>.Shared.Rent(ushort.MaxValue);
        try
        {
            while (true)
            {
                ReceivedDatagram received = await _inner.ReceiveAsync(packet, cancellation).ConfigureAwait(false);
                // Anybody may send to our port; only the proxy speaks for others.
                if (received.From == _relay && !received.Refused
                    && SocksDatagram.TryParseUdp(packet.AsSpan(0, received.Length), out SocksAddress from, out int header))
                {
                    int count = Math.Min(received.Length - header, buffer.Length);
                    packet.AsMemory(header, count).CopyTo(buffer);
                    return new ReceivedDatagram(count, from.ToDestination());
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packet);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _control.Abort();
            await _inner.DisposeAsync().ConfigureAwait(false);
        }

        await _watch.ConfigureAwait(false);
    }

    // RFC 1928 section 7: the association ends when its TCP connection does. A receive that waits is told by the end of the inner one.
    private async Task WatchAsync()
    {
        byte[] nothing = new byte[64]; // a proxy has nothing to say here; what it says is passed over
        try
        {
            while (await _control.ReadAsync(nothing).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (CulvertException)
        {
            // The same end, less politely.
        }

        await _inner.DisposeAsync().ConfigureAwait(false);
        await _control.DisposeAsync().ConfigureAwait(false);
    }
}
