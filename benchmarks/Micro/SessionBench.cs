using System;
using BenchmarkDotNet.Attributes;
using Culvert.Core.Packets;
using Culvert.Core.Session;

namespace Culvert.Bench.Micro;

/// <summary>VSHP: two sessions back to back in memory, device to gateway, with what comes back for it; no transport and no encryption.</summary>
public class SessionBench
{
    private const int Block = 64_000;

    private static readonly byte[] Header = [4, 0, 0x40, 0, 0, 0, 0, 1];

    private readonly PacketPool _pool = new();
    private readonly byte[] _scratch = new byte[FrameHeader.Size];
    private VshpSession _device = null!;
    private VshpSession _gateway = null!;
    private VshpStream _sender = null!;
    private VshpStream _receiver = null!;
    private long _now = 1_000_000;

    /// <summary>Greets and opens a stream.</summary>
    [GlobalSetup]
    public void Connect()
    {
        VshpOptions options = new() { StreamWindow = 1 << 20, SessionWindow = 4 << 20 };
        _device = VshpSession.Connect(options, _pool, _now);
        byte[] ticket = new byte[32];
        ticket[0] = 1;
        _device.Attach(new Bytes32(ticket), _now);
        byte[] hello = System.Buffers.BuffersExtensions.ToArray(_device.Transmit(_now));
        _device.Transmitted(_now);
        FirstFrame.Read(hello, out FirstFrame first);
        _gateway = VshpSession.Accept(options, _pool, first.Hello, _now);
        Turn();
        _sender = _device.Open(VshpDestination.ToName("example.com", 443), _now)!;
        Turn();
        _receiver.Accept();
        Turn();
    }

    /// <summary>A header written.</summary>
    [Benchmark]
    public void HeaderWrite() => new FrameHeader(FrameType.Data, FrameFlags.None, 16_384, 1).Write(_scratch);

    /// <summary>A header read and checked.</summary>
    [Benchmark]
    public bool HeaderRead() => FrameHeader.TryRead(Header, out FrameHeader header) && FrameRules.Allows(header);

    /// <summary>64,000 bytes on one stream: written, framed, received, read, acknowledged. The writer's own filling of the memory is not in it.</summary>
    [Benchmark]
    public long Transfer()
    {
        long got = 0;
        for (int left = Block; left > 0;)
        {
            Memory<byte> room = _sender.GetMemory();
            int count = Math.Min(room.Length, left);
            _sender.Advance(count);
            left -= count;
        }

        while (got < Block)
        {
            Turn();
            long length = _receiver.Received.Length;
            _receiver.Consume(length);
            got += length;
        }

        return got;
    }

    /// <summary>One byte from writer to reader, in a frame and a transmission of its own.</summary>
    [Benchmark]
    public long Keystroke()
    {
        _sender.GetMemory().Span[0] = 1;
        _sender.Advance(1);
        Turn();
        _receiver.Consume(1);
        return 1;
    }

    private void Turn()
    {
        _now += 10;
        Carry(_device, _gateway);
        Carry(_gateway, _device);
        while (_device.TryNextEvent(out _))
        {
        }

        while (_gateway.TryNextEvent(out SessionEvent happened))
        {
            _receiver = happened.Stream ?? _receiver;
        }
    }

    private void Carry(VshpSession from, VshpSession to)
    {
        from.Advance(_now);
        while (from.Transmit(_now) is { IsEmpty: false } bytes)
        {
            foreach (ReadOnlyMemory<byte> part in bytes)
            {
                to.Receive(part.Span, _now);
            }

            from.Transmitted(_now);
        }
    }
}
