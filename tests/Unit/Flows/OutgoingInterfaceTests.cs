using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Xunit;

namespace Culvert.Tests.Unit.Flows;

public sealed class OutgoingInterfaceTests
{
    [Fact]
    public void ASocketIsBoundToTheInterfaceAndHasThePriorityThatTheGuardKnows()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        new OutgoingInterface("lo", 5).Bind(socket);
        byte[] value = new byte[16];
        Assert.Equal(3, socket.GetRawSocketOption(1, 25, value));
        Assert.Equal("lo\0"u8.ToArray(), value[..3]);
        socket.GetRawSocketOption(1, 12, value);
        Assert.Equal(5, value[0]);
    }

    [Fact]
    public void WithoutAWayOutNothingIsOpenedAroundIt()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Assert.Equal(FailureKind.NetworkUnreachable, Assert.Throws<CulvertException>(() => new OutgoingInterface(null, 5).Bind(socket)).Kind);
        Assert.Equal(FailureKind.NetworkUnreachable, Assert.Throws<CulvertException>(() => new OutgoingInterface("no-such-link", 5).Bind(socket)).Kind);
    }

    [Fact]
    public async Task TheDirectExitLeavesByIt()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        OutgoingInterface outgoing = new("lo", 5);
        await using IExit exit = ExitFactory.Create(ExitUri.Direct, ExitOptions.Default with { Outgoing = outgoing });
        await using (await exit.ConnectAsync(new Destination(IPAddress.Loopback, port), CancellationToken.None))
        {
        }

        await using (await exit.AssociateAsync(CancellationToken.None))
        {
        }

        outgoing.Name = null;
        CulvertException failure = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination(IPAddress.Loopback, port), CancellationToken.None));
        Assert.Equal(FailureKind.NetworkUnreachable, failure.Kind);
        failure = await Assert.ThrowsAsync<CulvertException>(async () => await exit.AssociateAsync(CancellationToken.None));
        Assert.Equal(FailureKind.NetworkUnreachable, failure.Kind);
    }
}
