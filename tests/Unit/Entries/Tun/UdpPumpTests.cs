using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Culvert.Core.Packets;
using Culvert.Entries.Tun;
using Culvert.Exits;
using Culvert.Names;
using Culvert.Tests.Unit.Exits;
using Culvert.Tests.Unit.Names;
using Xunit;

namespace Culvert.Tests.Unit.Entries.Tun;

/// <summary>Datagrams between a link and the direct exit's sockets: driven by the link's loop, and the portable way.</summary>
public sealed class UdpPumpTests
{
    private const ushort Port = 5000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DatagramsGoAndComeBackFromWhomTheyWentTo(bool driveSockets)
    {
        using EchoSockets echoes = new(2);
        await using TestApplication application = new(ShiftedAssociation.Exit(), driveSockets: driveSockets);
        IpEndpoint[] servers = [echoes.Shown(0), echoes.Shown(1)];
        int[] sizes = [0, 1, 64, 64, 64, 1200, 1472, 700];
        foreach (int size in sizes)
        {
            foreach (IpEndpoint server in servers)
            {
                application.SendDatagram(Port, server, Filled(size));
            }
        }

        application.Until(() => application.Others.Count == 2 * sizes.Length, "every datagram's echo");
        List<(IpEndpoint From, byte[] Payload)> got = [.. application.Others.Select(Read)];
        foreach (IpEndpoint server in servers)
        {
            Assert.Equal(sizes, got.Where(d => d.From == server).Select(d => d.Payload.Length));
        }

        Assert.All(got, d => Assert.Equal(Filled(d.Payload.Length), d.Payload));
        Assert.Equal(1, echoes.Peers); // one port of ours for all destinations
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnybodyMayAnswerAnAddressAndOnlyItsOwnPortAName(bool driveSockets)
    {
        using EchoSockets echoes = new(1);
        using Socket stranger = Ports.BindUdp(IPAddress.Loopback);
        await using DirectExit exit = new(ExitOptions.Default with { Lookup = (_, _) => Task.FromResult(new[] { IPAddress.Loopback }) });
        await using TestApplication application = new(exit, driveSockets: driveSockets);
        IpEndpoint named = new(IpAddr.From(TunEntryTests.LookUp(application, "echo.test")), echoes.Port(0));
        application.Others.Clear();
        application.SendDatagram(Port, named, [1]);
        application.Until(() => application.Others.Count == 1, "the first echo");
        stranger.SendTo([9, 9], echoes.LastPeer!);
        for (byte i = 2; i < 5; i++)
        {
            application.SendDatagram(Port, named, [i]);
        }

        application.Until(() => application.Others.Count >= 4, "the other echoes");
        List<(IpEndpoint From, byte[] Payload)> got = [.. application.Others.Select(Read)];
        Assert.All(got, d => Assert.Equal(named, d.From));
        Assert.Equal([1, 2, 3, 4], got.Select(d => d.Payload[0]));
    }

    [Fact]
    public async Task APortWhereNobodyListensIsToldToTheApplication()
    {
        using EchoSockets echoes = new(1);
        ushort closed = (ushort)Ports.Unused();
        await using TestApplication application = new(ShiftedAssociation.Exit());
        application.SendDatagram(Port, new IpEndpoint(ShiftedAssociation.Address(0), closed), [1]);
        application.Until(() => application.Others.Count == 1, "an ICMP error");
        byte[] packet = application.Others[0];
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        Assert.Equal(IpProtocol.Icmp, ip.Protocol);
        Assert.Equal([3, 3], packet.AsSpan(ip.HeaderLength, 2).ToArray());
        Assert.Equal(ShiftedAssociation.Address(0), ip.Source);

        // The association works on.
        application.SendDatagram(Port, echoes.Shown(0), [2]);
        application.Until(() => application.Others.Count == 2, "an echo behind the error");
        Assert.Equal([2], Read(application.Others[1]).Payload);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EverythingIsGivenBackAtTheEnd(bool driveSockets)
    {
        using EchoSockets echoes = new(1);
        TestApplication application = new(ShiftedAssociation.Exit(), driveSockets: driveSockets);
        for (ushort port = Port; port < Port + 20; port++)
        {
            application.SendDatagram(port, echoes.Shown(0), Filled(100));
        }

        application.Until(() => application.Others.Count == 20, "twenty echoes");
        await application.DisposeAsync();
        Assert.Equal(0, application.Entry.OutstandingBlocks);
        Assert.Equal(0, application.Entry.ActiveFlows);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public async Task ARunOfDatagramsArrivesAsTheDatagramsItIs(bool driveSockets, bool cuts)
    {
        using EchoSockets echoes = new(1);
        using RepeatingLink link = new(cuts);
        await using Names names = new(ShiftedAssociation.Exit());
        await using TunEntry entry = new(link, names.Exit, names.Service, new TunOptions { DriveSockets = driveSockets });
        entry.Start();

        // 45 datagrams of 1,400 bytes and one of 17 in one packet, and once more with those of 100 bytes.
        link.Give(Packet(echoes.Shown(0), (45 * 1_400) + 17), 1_400, 1);
        link.UntilWritten(46, (45 * 1_400) + 17);
        link.Give(Packet(echoes.Shown(0), 6_000), 100, 1);
        link.UntilWritten(46 + 60, (45 * 1_400) + 17 + 6_000);
    }

    [Theory]
    [InlineData(true, 64)]
    [InlineData(false, 64)]
    [InlineData(true, 1_400)]
    public async Task DatagramsBothWaysAllocateNothing(bool cuts, int size)
    {
        using EchoSockets echoes = new(1);
        using RepeatingLink link = new(cuts);
        await using Names names = new(ShiftedAssociation.Exit());
        await using TunEntry entry = new(link, names.Exit, names.Service);
        entry.Start();
        byte[] packet = Packet(echoes.Shown(0), size);
        long datagrams = 0;
        void Exchange(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                link.Give(packet, 0, 16);
                datagrams += 16;
                link.UntilWritten(datagrams, datagrams * size);
            }
        }

        Exchange(200);
        long before = link.Allocated;
        Exchange(500);
        Assert.Equal(0, link.Allocated - before);
    }

    private static byte[] Filled(int size)
    {
        byte[] bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Packet(IpEndpoint to, int payload)
    {
        byte[] packet = new byte[IpHeader.V4Size + UdpHeader.Size + payload];
        IpEndpoint from = new(TestApplication.Address, Port);
        IpWriter.Write(packet, from.Address, to.Address, IpProtocol.Udp, UdpHeader.Size + payload);
        UdpHeader.Write(packet.AsSpan(IpHeader.V4Size), from, to, packet.AsSpan(IpHeader.V4Size + UdpHeader.Size));
        return packet;
    }

    private static (IpEndpoint From, byte[] Payload) Read(byte[] packet)
    {
        Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
        Assert.True(UdpHeader.TryParse(packet.AsSpan(ip.HeaderLength), out UdpHeader udp));
        Assert.Equal(Port, udp.DestinationPort);
        return (new IpEndpoint(ip.Source, udp.SourcePort), packet[(ip.HeaderLength + UdpHeader.Size)..]);
    }

    private sealed class Names : IAsyncDisposable
    {
        public Names(FakeExit exit)
        {
            Exit = exit;
            Service = new NameService(NamesPolicy.Virtual, exit);
        }

        public FakeExit Exit { get; }

        public NameService Service { get; }

        public ValueTask DisposeAsync() => Service.DisposeAsync();
    }
}
