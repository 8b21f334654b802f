using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Tests.Simulation.Net;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation.Hosts;

/// <summary>The machine whose applications use the stack: TCP clients, UDP sockets and pings over one simulated interface.</summary>
internal sealed class TestHost(World world, int mtu = 1500, bool offloads = false, IpAddr? other = null)
{
    public static readonly IpAddr V4 = IpAddr.FromV4(0x0A00_0002);
    public static readonly IpAddr V6 = IpAddr.FromBits(((UInt128)0xFD00_0000_0000_0000 << 64) | 2);

    private readonly Dictionary<(ushort Port, IpEndpoint Remote), TestTcp> _connections = [];
    private readonly Dictionary<ushort, TestUdp> _sockets = [];
    private readonly Fragments _fragments = new();
    private ushort _nextPort = 10_000;
    private uint _nextId = 1;

    /// <summary>Answers a SYN that belongs to no connection; null answers with RST.</summary>
    public Func<TcpHabits>? Listener { get; set; }

    public List<TestTcp> Accepted { get; } = [];

    public int Mtu => mtu;

    public bool Offloads => offloads;

    /// <summary>Where its packets go.</summary>
    public Action<Frame> Output { get; set; } = _ => throw new InvalidOperationException("the host is not connected");

    /// <summary>Packets that did not parse or add up: none, unless the network spoils packets.</summary>
    public long Spoilt { get; private set; }

    public List<IcmpMessage> EchoReplies { get; } = [];

    public List<IcmpMessage> Errors { get; } = [];

    /// <summary>An address for the host of the same family as <paramref name="remote"/>.</summary>
    public static IpAddr AddressFor(IpAddr remote) => remote.IsV4 ? V4 : V6;

    public TestTcp Connect(IpEndpoint remote, TcpHabits habits, ushort port = 0)
    {
        IpEndpoint local = new(AddressFor(remote.Address), port == 0 ? NextPort() : port);
        TestTcp connection = new(world, this, local, remote, habits);
        _connections[(local.Port, remote)] = connection;
        return connection;
    }

    public TestUdp OpenUdp(bool v4 = true)
    {
        TestUdp socket = new(this, new IpEndpoint(v4 ? V4 : V6, NextPort()));
        _sockets[socket.Local.Port] = socket;
        return socket;
    }

    public void Ping(IpAddr destination, ushort id, ushort sequence, ReadOnlyMemory<byte> payload)
    {
        IpAddr source = AddressFor(destination);
        IcmpMessage request = new(source, destination, source.IsV4 ? (byte)8 : (byte)128, 0, ((uint)id << 16) | sequence, payload);
        SendFragmented(request.Packet());
    }

    public void SendFragmented(IpPacket packet)
    {
        foreach (IpPacket part in Fragments.Cut(packet, mtu, _nextId++))
        {
            Output(new Frame(part.Build()));
        }
    }

    /// <summary>Sends a segment; one of more than <paramref name="segment"/> bytes leaves as a super-segment.</summary>
    public void Send(TcpSegment tcp, int segment = ushort.MaxValue)
    {
        byte[] bytes = tcp.Build();
        bool super = tcp.Payload.Length > segment;
        World.Check(super ? offloads : bytes.Length <= mtu, $"the test's own packet of {bytes.Length} bytes exceeds its MTU");
        if (!offloads)
        {
            Output(new Frame(bytes));
            return;
        }

        // A kernel leaves the sum of the pseudo-header in the field of a packet whose checksum it skips.
        int header = tcp.Source.Address.IsV4 ? 20 : 40;
        uint sum = IpPacket.PseudoSum(tcp.Source.Address, tcp.Destination.Address, IpPacket.Tcp, bytes.Length - header);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(header + 16), (ushort)sum);
        Output(new Frame(bytes, new PacketOffload(ChecksumState.Partial, super ? (ushort)segment : (ushort)0)));
    }

    /// <summary>RST for a segment that belongs to no connection (RFC 9293 section 3.10.7.1).</summary>
    public void AnswerStranger(TcpSegment segment)
    {
        if (!segment.Has(Bits.Rst))
        {
            Send(new TcpSegment
            {
                Source = segment.Destination,
                Destination = segment.Source,
                Sequence = segment.Has(Bits.Ack) ? segment.Acknowledgment : 0,
                Acknowledgment = segment.Has(Bits.Ack) ? 0 : segment.Sequence + (uint)segment.Space,
                Flags = segment.Has(Bits.Ack) ? Bits.Rst : Bits.Rst | Bits.Ack,
            });
        }
    }

    public void Receive(Frame frame)
    {
        if (IpPacket.Parse(frame.Bytes) is not IpPacket part)
        {
            Spoilt++;
            return;
        }

        if (_fragments.Add(part) is not IpPacket packet)
        {
            return;
        }

        bool noChecksum = packet.Protocol == IpPacket.Udp && packet.IsV4 && packet.Payload.Length >= 8 && packet.Payload.Span[6] == 0 && packet.Payload.Span[7] == 0;
        if ((!packet.ChecksumHolds() && !noChecksum) || (packet.Destination != V4 && packet.Destination != V6 && packet.Destination != other))
        {
            Spoilt++;
            return;
        }

        if (TcpSegment.Parse(packet) is TcpSegment tcp)
        {
            if (_connections.TryGetValue((tcp.Destination.Port, tcp.Source), out TestTcp? connection))
            {
                connection.OnSegment(tcp);
            }
            else if (Listener != null && tcp.Flags == Bits.Syn)
            {
                TestTcp accepted = new(world, this, tcp.Destination, tcp.Source, Listener(), tcp);
                _connections[(tcp.Destination.Port, tcp.Source)] = accepted;
                Accepted.Add(accepted);
            }
            else
            {
                AnswerStranger(tcp);
            }
        }
        else if (UdpDatagram.Parse(packet) is UdpDatagram udp)
        {
            if (_sockets.TryGetValue(udp.Destination.Port, out TestUdp? socket))
            {
                socket.Received.Add((udp.Source, udp.Payload));
            }
        }
        else if (IcmpMessage.Parse(packet) is IcmpMessage icmp)
        {
            OnIcmp(icmp);
        }
    }

    private void OnIcmp(IcmpMessage icmp)
    {
        if (icmp.IsEchoReply)
        {
            EchoReplies.Add(icmp);
            return;
        }

        Errors.Add(icmp);
        ReadOnlySpan<byte> quote = icmp.Rest.Span;
        bool v4 = icmp.Source.IsV4;
        int header = v4 ? 20 : 40;
        if (!icmp.IsError || quote.Length < header + 8)
        {
            return;
        }

        IpAddr destination = IpAddr.Read(v4 ? quote[16..20] : quote[24..40]);
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(quote[header..]);
        IpEndpoint remote = new(destination, BinaryPrimitives.ReadUInt16BigEndian(quote[(header + 2)..]));
        switch (v4 ? quote[9] : quote[6])
        {
            case IpPacket.Tcp when _connections.TryGetValue((port, remote), out TestTcp? connection):
                connection.OnUnreachable(icmp.Type, icmp.Code, new TcpSegment { Sequence = BinaryPrimitives.ReadUInt32BigEndian(quote[(header + 4)..]) });
                break;
            case IpPacket.Udp when _sockets.TryGetValue(port, out TestUdp? socket):
                socket.Unreachable.Add((remote, icmp.Type, icmp.Code));
                break;
        }
    }

    private ushort NextPort() => _nextPort++;
}
