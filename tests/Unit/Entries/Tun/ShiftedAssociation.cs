using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Packets;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Tests.Unit.Names;

namespace Culvert.Tests.Unit.Entries.Tun;

/// <summary>The direct exit's association with 203.0.113.x standing for 127.0.0.x, to which no packet of a link may go.</summary>
internal sealed class ShiftedAssociation : ISocketAssociation
{
    private const uint Loopback = 0x7F00_0000;
    private const uint Shown = 0xCB00_7100;

    private readonly DirectAssociation _inner = new(static (_, _) => Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound)));

    public Task Over => _inner.Over;

    public static FakeExit Exit() => new() { Associate = static () => new ShiftedAssociation() };

    /// <summary>What the application calls 127.0.0.(1 + <paramref name="index"/>).</summary>
    public static IpAddr Address(int index) => IpAddr.FromV4(Shown + 1 + (uint)index);

    public Socket? Detach() => _inner.Detach();

    public bool TryAddress(Destination destination, Span<byte> head, out IpEndpoint to, out int headLength)
    {
        bool found = _inner.TryAddress(destination, head, out to, out headLength);
        to = to with { Address = IpAddr.FromV4((to.Address.V4 & 0xFF) | Loopback) };
        return found;
    }

    public bool TryReadHead(IpEndpoint sender, ReadOnlySpan<byte> datagram, out DatagramSource source) =>
        _inner.TryReadHead(sender with { Address = IpAddr.FromV4((sender.Address.V4 & 0xFF) | Shown) }, datagram, out source);

    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default) =>
        _inner.SendAsync(payload, Shift(destination, Loopback), cancellation);

    public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        ReceivedDatagram received = await _inner.ReceiveAsync(buffer, cancellation);
        return buffer.IsEmpty ? received : received with { From = Shift(received.From, Shown) };
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private static Destination Shift(Destination destination, uint network) =>
        new(IpAddr.FromV4((IpAddr.From(destination.Address!).V4 & 0xFF) | network).ToIPAddress(), destination.Port);
}
