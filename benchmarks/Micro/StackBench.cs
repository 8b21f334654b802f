using System;
using System.Net;
using BenchmarkDotNet.Attributes;
using Culvert.Core.Packets;
using Culvert.Core.Stack;

namespace Culvert.Bench.Micro;

/// <summary>64,000 bytes from one stack to another over a wire that copies: sender, receiver and the acknowledgments back, in segments or in super-segments.</summary>
public class StackBench
{
    private const int Block = 64_000;

    private readonly PacketPool _pool = new();
    private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
    private IpStack _left = null!;
    private IpStack _right = null!;
    private TcpFlow _sender = null!;
    private TcpFlow _receiver = null!;
    private long _now = 1_000_000;

    /// <summary>Segments of 1,500 bytes with whole checksums, or super-segments whose checksums are the device's.</summary>
    [Params(false, true)]
    public bool Offloads { get; set; }

    /// <summary>Opens the connection.</summary>
    [GlobalSetup]
    public void Connect()
    {
        StackOptions options = new() { Offloads = Offloads };
        _left = new IpStack(options, new byte[32], _pool);
        _right = new IpStack(options, new byte[32], _pool);
        _sender = _left.Connect(End("10.0.0.1", 40_000), End("192.0.2.7", 443), _now);
        while (_receiver is null)
        {
            Carry(_left, _right);
            while (_right.TryNextEvent(out StackEvent happened))
            {
                _receiver = happened.Tcp!;
                _receiver.Accept(_now);
            }

            Carry(_right, _left);
        }
    }

    /// <summary>One block.</summary>
    [Benchmark]
    public long Transfer()
    {
        long wanted = Block;
        for (int left = Block; left > 0;)
        {
            Memory<byte> room = _sender.GetMemory();
            int count = Math.Min(room.Length, left);
            _sender.Advance(count, _now);
            left -= count;
            wanted -= Turn();
        }

        while (wanted > 0)
        {
            wanted -= Turn();
        }

        return wanted;
    }

    private static IpEndpoint End(string address, ushort port) => new(IpAddr.From(IPAddress.Parse(address)), port);

    private long Turn()
    {
        _now += 10;
        Carry(_left, _right);
        long read = _receiver.Received.Length;
        _receiver.Consume(read, _now);
        while (_right.TryNextEvent(out StackEvent _))
        {
        }

        Carry(_right, _left);
        while (_left.TryNextEvent(out StackEvent _))
        {
        }

        _left.Advance(_now);
        _right.Advance(_now);
        return read;
    }

    private void Carry(IpStack from, IpStack to)
    {
        while (from.TryTransmit(_now, _scratch, out OutgoingPacket packet))
        {
            PacketBuffer buffer = _pool.Rent(Offloads ? PacketPool.LargeSize : packet.Length);
            packet.Header.CopyTo(buffer.Array);
            packet.Payload.CopyTo(buffer.Array.AsSpan(packet.Header.Length));
            buffer.Length = packet.Length;
            buffer.Offload = packet.Offload;
            to.Receive(buffer, _now);
        }
    }
}
