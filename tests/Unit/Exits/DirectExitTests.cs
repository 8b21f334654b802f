using System;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Xunit;

namespace Culvert.Tests.Unit.Exits;

public sealed class DirectExitTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task ARefusedPortIsRefused()
    {
        await using DirectExit exit = new(ExitOptions.Default);
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(
            async () => await exit.ConnectAsync(new Destination(IPAddress.Loopback, Ports.Unused()), default));
        Assert.Equal(FailureKind.Refused, e.Kind);
    }

    [Fact]
    public async Task TheFirstAddressThatAnswersWins()
    {
        using Socket listener = Ports.Listen(IPAddress.Loopback);
        // 192.0.2.1 (RFC 5737) answers nobody; ::1 has no listener on that port.
        await using DirectExit exit = new(ExitOptions.Default with
        {
            Lookup = (_, _) => Task.FromResult(new[] { IPAddress.Parse("192.0.2.1"), IPAddress.IPv6Loopback, IPAddress.Loopback }),
        });
        await using IConnection connection = await exit.ConnectAsync(new Destination("several.test", Ports.Of(listener)), default).AsTask().WaitAsync(Soon);
        using Socket accepted = await listener.AcceptAsync().WaitAsync(Soon);
        Assert.True(accepted.Connected);
    }

    [Fact]
    public async Task TheFailureThatSaysMostIsTold()
    {
        int port = Ports.Unused();
        await using DirectExit exit = new(ExitOptions.Default with
        {
            ConnectTimeout = Soon,
            Lookup = (_, _) => Task.FromResult(new[] { IPAddress.Parse("255.255.255.255"), IPAddress.Loopback }),
        });
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination("x.test", port), default));
        Assert.Equal(FailureKind.Refused, e.Kind);
    }

    [Fact]
    public async Task ASilentHostTimesOut()
    {
        TaskCompletionSource<IPAddress[]> never = new();
        await using DirectExit exit = new(ExitOptions.Default with
        {
            ConnectTimeout = TimeSpan.FromMilliseconds(50),
            Lookup = (_, cancellation) => never.Task.WaitAsync(cancellation),
        });
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination("x.test", 1), default));
        Assert.Equal(FailureKind.TimedOut, e.Kind);
    }

    [Fact]
    public async Task TheCallersTokenIsNotATimeout()
    {
        TaskCompletionSource<IPAddress[]> never = new();
        using CancellationTokenSource stop = new();
        await using DirectExit exit = new(ExitOptions.Default with { Lookup = (_, cancellation) => never.Task.WaitAsync(cancellation) });
        Task connect = exit.ConnectAsync(new Destination("x.test", 1), stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connect);
    }

    [Fact]
    public async Task ANameThatDoesNotExistIsToldAsThat()
    {
        await using DirectExit exit = new(ExitOptions.Default with { Lookup = (_, _) => throw new SocketException((int)SocketError.HostNotFound) });
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination("x.test", 1), default));
        Assert.Equal(FailureKind.NameNotFound, e.Kind);
    }

    [Fact]
    public void FamiliesTakeTurns()
    {
        string[] given = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"];
        Assert.Equal(
            ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"],
            HappyEyeballs.Interleave([.. given.Select(IPAddress.Parse)]).Select(a => a.ToString()));
    }

    [Theory]
    [InlineData("127.0.0.1", 1)]
    [InlineData("127.0.0.1", 8_000)]
    [InlineData("127.0.0.1", 65_507)]
    [InlineData("::1", 8_000)]
    public async Task DatagramsGoAndComeBack(string host, int size)
    {
        IPAddress address = IPAddress.Parse(host);
        using Socket echo = Ports.BindUdp(address);
        await using DirectExit exit = new(ExitOptions.Default);
        await using IAssociation association = await exit.AssociateAsync(default);
        Destination destination = new(address, Ports.Of(echo));
        byte[] payload = new byte[size];
        new Random(size).NextBytes(payload);

        await association.SendAsync(payload, destination);
        byte[] buffer = new byte[65_535];
        SocketReceiveFromResult at = await echo.ReceiveFromAsync(buffer, new IPEndPoint(address, 0)).WaitAsync(Soon);
        Assert.Equal(size, at.ReceivedBytes);
        await echo.SendToAsync(buffer.AsMemory(0, size), at.RemoteEndPoint);

        Assert.Equal(0, (await association.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(Soon)).Length);
        ReceivedDatagram received = await association.ReceiveAsync(buffer).AsTask().WaitAsync(Soon);
        Assert.Equal((size, destination), (received.Length, received.From));
        Assert.True(payload.AsSpan().SequenceEqual(buffer.AsSpan(0, size)));
    }

    [Fact]
    public async Task AnyHostMayAnswerAnAssociation()
    {
        using Socket first = Ports.BindUdp(IPAddress.Loopback);
        using Socket second = Ports.BindUdp(IPAddress.Loopback);
        await using DirectExit exit = new(ExitOptions.Default);
        await using IAssociation association = await exit.AssociateAsync(default);
        await association.SendAsync(new byte[1], new Destination(IPAddress.Loopback, Ports.Of(first)));
        SocketReceiveFromResult at = await first.ReceiveFromAsync(new byte[10], new IPEndPoint(IPAddress.Any, 0)).WaitAsync(Soon);
        await second.SendToAsync(new byte[2], at.RemoteEndPoint);
        await first.SendToAsync(new byte[3], at.RemoteEndPoint);
        byte[] buffer = new byte[10];
        ReceivedDatagram a = await association.ReceiveAsync(buffer).AsTask().WaitAsync(Soon);
        ReceivedDatagram b = await association.ReceiveAsync(buffer).AsTask().WaitAsync(Soon);
        Assert.Equal((2, Ports.Of(second)), (a.Length, a.From.Port));
        Assert.Equal((3, Ports.Of(first)), (b.Length, b.From.Port));
    }

    [Fact]
    public async Task WhatWasSentToANameComesBackFromThatName()
    {
        using Socket echo = Ports.BindUdp(IPAddress.Loopback);
        await using DirectExit exit = new(ExitOptions.Default with { Lookup = (_, _) => Task.FromResult(new[] { IPAddress.IPv6Loopback, IPAddress.Loopback }) });
        await using IAssociation association = await exit.AssociateAsync(default);
        Destination destination = new("echo.test", Ports.Of(echo));
        await association.SendAsync(new byte[1], destination);
        SocketReceiveFromResult at = await echo.ReceiveFromAsync(new byte[10], new IPEndPoint(IPAddress.Any, 0)).WaitAsync(Soon);
        await echo.SendToAsync(new byte[2], at.RemoteEndPoint);
        ReceivedDatagram received = await association.ReceiveAsync(new byte[10]).AsTask().WaitAsync(Soon);
        Assert.Equal((2, destination), (received.Length, received.From));
    }

    [Fact]
    public async Task DisposalEndsAReceiveThatWaits()
    {
        await using DirectExit exit = new(ExitOptions.Default);
        IAssociation association = await exit.AssociateAsync(default);
        Task receive = association.ReceiveAsync(new byte[10]).AsTask();
        Task wait = association.ReceiveAsync(Memory<byte>.Empty).AsTask();
        await association.DisposeAsync();
        await Assert.ThrowsAsync<CulvertException>(() => receive.WaitAsync(Soon));
        await Assert.ThrowsAsync<CulvertException>(() => wait.WaitAsync(Soon));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task PingsAreAnsweredWhereTheSystemAllowsThem(string host)
    {
        await using DirectExit exit = new(ExitOptions.Default);
        byte[] payload = [.. Enumerable.Range(0, 57).Select(i => (byte)i)];
        Task<ReadOnlyMemory<byte>> echo = exit.EchoAsync(new Destination(IPAddress.Parse(host), 0), payload, default).AsTask();
        if (exit.Capabilities.HasFlag(ExitCapabilities.Echo))
        {
            Assert.Equal(payload, (await echo.WaitAsync(Soon)).ToArray());
        }
        else
        {
            Assert.Equal(FailureKind.NotCarried, (await Assert.ThrowsAsync<CulvertException>(() => echo)).Kind);
        }
    }
}
