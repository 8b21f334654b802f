using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net;
using System.Threading.Tasks;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Core.Stack.Tcp;
using Culvert.Entries.Tun;
using Culvert.Flows;
using Culvert.Names;
using Xunit;

namespace Culvert.Tests.Unit.Entries.Tun;

/// <summary>
/// An application behind the link, and its kernel: a second stack, whose crank is turned by the test's own thread until
/// what the test waits for is so.
/// </summary>
internal sealed class TestApplication : IAsyncDisposable
{
    public static readonly IpAddr Address = IpAddr.From(IPAddress.Parse("198.18.0.2"));

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly PacketPool _pool = new();
    private readonly MemoryLink _link;
    private readonly IpStack _stack;
    private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
    private byte[] _lastSent = [];
    private ushort _nextPort = 40_000;

    public TestApplication(IExit exit, NamesPolicy? names = null, Action<string>? warn = null, bool driveSockets = true, MemoryLink? otherQueue = null)
    {
        _link = new MemoryLink { MoreQueues = otherQueue is null ? [] : [otherQueue] };
        Sending = _link;
        _stack = new IpStack(new StackOptions(), new byte[32], _pool);
        Names = new NameService(names ?? NamesPolicy.Virtual, exit);
        Entry = new TunEntry(_link, exit, Names, new TunOptions { DriveSockets = driveSockets }, warn);
        Entry.Start();
    }

    public NameService Names { get; }

    public TunEntry Entry { get; }

    public MemoryLink Link => _link;

    /// <summary>The queue that the kernel sends by; the first at first.</summary>
    public MemoryLink Sending { get; set; }

    /// <summary>UDP and ICMP packets that came, whole.</summary>
    public List<byte[]> Others { get; } = [];

    /// <summary>Begins a connection to <paramref name="destination"/>.</summary>
    public TcpFlow Connect(string destination, ushort port) => Connect(IPAddress.Parse(destination), port);

    public TcpFlow Connect(IPAddress destination, ushort port)
    {
        TcpFlow flow = _stack.Connect(new IpEndpoint(Address, _nextPort++), new IpEndpoint(IpAddr.From(destination), port), LinkLoop.Now);
        Turn();
        return flow;
    }

    public void Send(TcpFlow flow, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Memory<byte> room = flow.GetMemory();
            int count = Math.Min(room.Length, bytes.Length);
            bytes[..count].CopyTo(room.Span);
            flow.Advance(count, LinkLoop.Now);
            bytes = bytes[count..];
        }

        Turn();
    }

    public void Finish(TcpFlow flow)
    {
        flow.Finish(LinkLoop.Now);
        Turn();
    }

    public void Abort(TcpFlow flow)
    {
        flow.Abort(LinkLoop.Now);
        Turn();
    }

    /// <summary>Resets a connection that has not been answered yet, which a stack in SYN-SENT keeps to itself.</summary>
    public void Reset(TcpFlow flow)
    {
        Assert.True(IpHeader.TryParse(_lastSent, out IpHeader ip));
        Assert.True(TcpHeader.TryParse(_lastSent.AsSpan(ip.HeaderLength), out TcpHeader syn));
        Assert.Equal(TcpFlags.Syn, syn.Flags);
        TcpHeader reset = new() { SourcePort = syn.SourcePort, DestinationPort = syn.DestinationPort, Sequence = syn.Sequence + 1, Flags = TcpFlags.Rst };
        byte[] packet = new byte[IpHeader.V4Size + TcpHeader.MinSize];
        IpWriter.Write(packet, ip.Source, ip.Destination, IpProtocol.Tcp, TcpHeader.MinSize);
        reset.Write(packet.AsSpan(IpHeader.V4Size));
        BinaryPrimitives.WriteUInt16BigEndian(
            packet.AsSpan(IpHeader.V4Size + 16), Checksum.Transport(ip.Source, ip.Destination, IpProtocol.Tcp, packet.AsSpan(IpHeader.V4Size), []));
        Sending.Inject(packet);
        Assert.Equal(TcpState.SynSent, flow.State);
    }

    public byte[] Take(TcpFlow flow)
    {
        byte[] bytes = flow.Received.ToArray();
        flow.Consume(bytes.Length, LinkLoop.Now);
        Turn();
        return bytes;
    }

    /// <summary>Sends a datagram from <paramref name="port"/>.</summary>
    public void SendDatagram(ushort port, IpEndpoint to, ReadOnlySpan<byte> payload)
    {
        byte[] packet = new byte[IpHeader.V4Size + UdpHeader.Size + payload.Length];
        IpWriter.Write(packet, Address, to.Address, IpProtocol.Udp, UdpHeader.Size + payload.Length);
        UdpHeader.Write(packet.AsSpan(IpHeader.V4Size), new IpEndpoint(Address, port), to, payload);
        payload.CopyTo(packet.AsSpan(IpHeader.V4Size + UdpHeader.Size));
        Sending.Inject(packet);
    }

    /// <summary>Turns the crank until <paramref name="condition"/> holds, or fails the test.</summary>
    public void Until(Func<bool> condition, string what)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (true)
        {
            Turn();
            if (condition())
            {
                return;
            }

            Assert.True(clock.Elapsed < Patience, $"waited in vain for: {what}");
            _link.Written.WaitOne(5); // or a timer of ours is due
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Entry.DisposeAsync();
        await Names.DisposeAsync();
    }

    private void Turn()
    {
        long now = LinkLoop.Now;
        while (_link.FromEntry.TryDequeue(out byte[]? packet) || (Sending != _link && Sending.FromEntry.TryDequeue(out packet)))
        {
            Assert.True(IpHeader.TryParse(packet, out IpHeader ip), "the entry wrote a packet that does not parse");
            if (ip.Protocol != IpProtocol.Tcp)
            {
                Others.Add(packet);
                continue;
            }

            PacketBuffer buffer = _pool.Rent(packet.Length);
            packet.CopyTo(buffer.Array, 0);
            buffer.Length = packet.Length;
            _stack.Receive(buffer, now);
        }

        _stack.Advance(now);
        while (_stack.TryNextEvent(out _))
        {
            // The test looks at the flow itself.
        }

        while (_stack.TryTransmit(now, _scratch, out OutgoingPacket packet))
        {
            _lastSent = [.. packet.Header, .. packet.Payload];
            Sending.Inject(_lastSent);
        }
    }
}
