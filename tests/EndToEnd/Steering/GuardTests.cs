using System;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Culvert.Tests.Lab;
using Xunit;

namespace Culvert.Tests.EndToEnd.Steering;

/// <summary>What the leak guard refuses, at once, and what it lets through.</summary>
public sealed class GuardTests(LabFixture fixture) : SteeringTest(fixture)
{
    private const double AtOnce = 900;

    [LabTheory("curl", "ping")]
    [InlineData("curl -sS --interface eth0 http://203.0.113.10/")]
    [InlineData("curl -sS --interface eth0 http://[2001:db8:3::10]/")]
    [InlineData("ping -c1 -W2 -I eth0 203.0.113.10")]
    [InlineData("ping -c1 -W2 -I eth0 2001:db8:3::10")]
    public void ProgramThatBindsToTheOuterInterfaceIsRefusedAtOnce(string line)
    {
        Command engine = Up();
        Assert.InRange(FailsAfter(line), 0, line.StartsWith("ping", StringComparison.Ordinal) ? 2900 : AtOnce);
        End(engine);
    }

    [LabFact]
    public void EnginesOwnSocketsLeaveAndNobodyElses()
    {
        Only("to the internet host, by the engine", packet => Network.Internet.V4.Equals(packet.Destination) || Network.Internet.V6.Equals(packet.Destination));
        Command engine = Up("direct");
        Network.Client.Shell(Connect(priority: 5, user: 0)).Ok();
        Network.Client.Shell(Connect(priority: 5, user: 0, v6: true)).Ok();
        Assert.NotEmpty(Fixture.Oracle.Heard());
        Fixture.Oracle.Reset();
        Assert.NotEqual(0, Network.Client.Shell(Connect(priority: 4, user: 0)).ExitCode);
        Assert.NotEqual(0, Network.Client.Shell(Connect(priority: 4, user: 0, v6: true)).ExitCode);
        Assert.NotEqual(0, Network.Client.Shell(Connect(priority: 5, user: 65534)).ExitCode);
        Assert.Empty(Fixture.Oracle.Heard());
        Tell(engine, $"set engine-outside={Network.Exit.V4}/32");
        Assert.NotEqual(0, Network.Client.Shell(Connect(priority: 5, user: 0)).ExitCode);
        Assert.Empty(Fixture.Oracle.Heard());
        End(engine);
    }

    [LabFact]
    public void LastBytesOfTheEnginesClosedConnectionLeave()
    {
        const int size = 150_000;
        Only("to the internet host, by the engine", packet => Network.Internet.V4.Equals(packet.Destination));
        using Socket listener = Network.Internet.Listen(2224);
        listener.ReceiveBufferSize = 4096; // most waits at the sender, which closes meanwhile
        Command engine = Up("direct");
        Network.Client.Shell($"""
            /usr/bin/python3 - <<'END'
            import socket
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, 5)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0')
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1000000)
            s.settimeout(5)
            s.connect(('{Network.Internet.V4}', 2224))
            s.sendall(bytes({size}))
            s.close()
            END
            """).Ok();
        using Socket outside = listener.Accept();
        outside.ReceiveTimeout = 5000;
        byte[] buffer = new byte[65536];
        int received = 0;
        for (int count = 1; count > 0; received += count)
        {
            count = outside.Receive(buffer);
        }

        Assert.Equal(size, received);
        End(engine);
    }

    [LabFact("dig")]
    public void NamesAreAskedOfNobodyOutside()
    {
        Command engine = Up();
        string[] lines =
        [
            $"dig +tries=1 +timeout=1 @{Network.Resolver} web.lab.example",
            $"dig +tries=1 +timeout=1 @{Network.Lan.V4} web.lab.example",
            $"dig +tries=1 +timeout=1 +tcp @{Network.Lan.V6} web.lab.example",
            $"timeout 1 bash -c 'exec 3<>/dev/tcp/{Network.Lan.V4}/853'",
        ];
        foreach (string line in lines)
        {
            FailsAfter(line);
        }

        End(engine);
    }

    [LabFact("curl", "ping")]
    public void Ipv6IsRefusedAtOnceWhereItIsNotCarried()
    {
        Command engine = Up("no-ipv6");
        Assert.InRange(FailsAfter($"curl -sS http://[{Network.Internet.V6}]/"), 0, AtOnce);
        Assert.True(Answers(Network.BlackHole));
        End(engine);
    }

    [LabFact]
    public void ConnectionFromOutsideIsHeldAcrossUpAndDown()
    {
        Only("answers of the server on the client", packet => Network.Internet.V4.Equals(packet.Destination) && packet.Protocol == 6);
        using Socket listener = Network.Client.Listen(2222);
        using Socket outside = Network.Internet.NewSocket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        outside.Connect(Network.Client.V4, 2222);
        using Socket inside = listener.Accept();
        outside.ReceiveTimeout = inside.ReceiveTimeout = 3000;
        Exchange(inside, outside);
        Command engine = Up();
        Exchange(inside, outside); // who came before speaks first from inside,
        Exchange(outside, inside);
        using Socket later = Network.Internet.NewSocket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        later.Connect(Network.Client.V4, 2222); // and who comes while it is up is answered
        using Socket laterInside = listener.Accept();
        Exchange(laterInside, later);
        Tell(engine, "set no-lan");
        Exchange(inside, outside);
        Tell(engine, "give-back");
        Exchange(inside, outside);
        Exchange(laterInside, later);
        End(engine);
    }

    [LabTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void ConnectionOfBeforeDoesNotGoOnOutside(bool farSideSpeaksFirst)
    {
        using Socket listener = Network.Internet.Listen(2223);
        using Socket inside = Network.Client.NewSocket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        inside.Connect(Network.Internet.V4, 2223);
        using Socket outside = listener.Accept();
        outside.ReceiveTimeout = inside.ReceiveTimeout = 1000;
        Exchange(outside, inside);
        Fixture.Oracle.Heard();
        Command engine = Up();
        Fixture.Oracle.Reset();
        if (farSideSpeaksFirst)
        {
            outside.Send("late"u8);
        }

        Assert.Throws<SocketException>(() => Exchange(inside, outside));
        Assert.Empty(Fixture.Oracle.Heard());
        End(engine);
        Fixture.Oracle.Reset(); // what is left of the old connection may go on now
        inside.LingerState = outside.LingerState = new LingerOption(true, 0);
        inside.Close();
        outside.Close();
        Only("the old connection's end", packet => Network.Internet.V4.Equals(packet.Destination));
    }

    [LabTheory]
    [InlineData(0)] // who asks for no port is a client, connected or not
    [InlineData(2225)]
    public void DatagramsOfBeforeGoOnOutsideFromAServerOnly(int port)
    {
        Only("answers of the server on the client", packet => port != 0 && Network.Internet.V4.Equals(packet.Destination) && packet.Protocol == 17);
        using Socket inside = Network.Client.NewSocket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using Socket outside = Network.Internet.NewSocket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        inside.Bind(new IPEndPoint(Network.Client.V4, port)); // an address of its own: one that the kernel chooses would be the link's
        outside.Bind(new IPEndPoint(Network.Internet.V4, 0));
        outside.ReceiveTimeout = inside.ReceiveTimeout = 1000;
        byte[] buffer = new byte[10];
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        inside.SendTo("first"u8, outside.LocalEndPoint!);
        outside.ReceiveFrom(buffer, ref from);
        Fixture.Oracle.Heard();
        Command engine = Up();
        Fixture.Oracle.Reset();
        outside.SendTo("second"u8, new IPEndPoint(Network.Client.V4, ((IPEndPoint)inside.LocalEndPoint!).Port));
        inside.ReceiveFrom(buffer, ref from);
        inside.SendTo("answer"u8, outside.LocalEndPoint!);
        if (port == 0)
        {
            Assert.Throws<SocketException>(() => outside.Receive(buffer));
            Assert.Empty(Fixture.Oracle.Heard());
        }
        else
        {
            Assert.Equal(6, outside.Receive(buffer));
        }

        End(engine);
    }

    [LabFact("ping")]
    public void RouteThatComesLaterIsTheNeighbourhoodsToo()
    {
        Only("to what the new route leads to", packet => Network.Internet.V4.Equals(packet.Destination));
        Command engine = Up();
        Network.Client.Ip("route add 203.0.113.0/28 via 192.0.2.1");
        Until.True(() => Answers(Network.Internet.V4) && Fixture.Oracle.Heard().Count > 0, "the guard to follow the route");
        Network.Client.Ip("route del 203.0.113.0/28");
        Until.True(
            () =>
            {
                Fixture.Oracle.Reset();
                return Answers(Network.Internet.V4) && Fixture.Oracle.Heard().Count == 0;
            },
            "the guard to follow the route's end");
        End(engine);
    }

    [LabFact("ping")]
    public void HoleForACaptivePortalClosesByItself()
    {
        Only("to the internet host while the hole is open", packet => Network.Internet.V4.Equals(packet.Destination) || Network.Resolver.Equals(packet.Destination));
        Command engine = Up("captive=3");
        Assert.True(Answers(Network.Internet.V4));
        Assert.NotEmpty(Fixture.Oracle.Heard());
        Until.True(
            () =>
            {
                Fixture.Oracle.Reset();
                return Answers(Network.Internet.V4) && Fixture.Oracle.Heard().Count == 0;
            },
            "the hole to be closed");
        End(engine);
    }

    private string Connect(int priority, int user, bool v6 = false) => $"""
        setpriv --reuid={user} --clear-groups /usr/bin/python3 - <<'END'
        import socket
        s = socket.socket(socket.{(v6 ? "AF_INET6" : "AF_INET")})
        s.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, {priority})
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0')
        s.settimeout(2)
        s.connect(('{(v6 ? Network.Internet.V6 : Network.Internet.V4)}', 7))
        s.sendall(b'hello')
        assert s.recv(5) == b'hello'
        s.close()
        END
        """;

    private static void Exchange(Socket from, Socket to)
    {
        from.Send(Encoding.ASCII.GetBytes("ping!"));
        byte[] received = new byte[5];
        int length = 0;
        while (length < 5)
        {
            int count = to.Receive(received.AsSpan(length));
            if (count == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }

            length += count;
        }
    }
}
