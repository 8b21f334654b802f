using System;
using System.Buffers;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

/// <summary>Two stacks that talk to each other over a wire with a delay and, on demand, losses.</summary>
public sealed class TwoStacksTests
{
    [Theory]
    [InlineData(false, 0.0, 50, 3_000_000)]
    [InlineData(true, 0.0, 50, 3_000_000)]
    [InlineData(false, 0.02, 10_000, 2_000_000)]
    [InlineData(true, 0.02, 10_000, 2_000_000)]
    [InlineData(false, 0.1, 1_000, 500_000)]
    [InlineData(false, 0.2, 100, 200_000)]
    public void EveryByteArrivesInOrderBothWays(bool offloads, double loss, int delay, int bytes)
    {
        Wire wire = new(new StackOptions { Offloads = offloads }, loss, delay, seed: 1);
        wire.Exchange(bytes);
        Assert.Equal(0, wire.Left.Outstanding);
        Assert.Equal(0, wire.Right.Outstanding);
    }

    private sealed class Wire
    {
        private readonly PriorityQueue<(bool ToRight, byte[] Bytes, PacketOffload Offload), (long, int)> _queue = new();
        private readonly Random _random;
        private readonly double _loss;
        private readonly int _delay;
        private readonly IpStack _left;
        private readonly IpStack _right;
        private readonly byte[] _scratch = new byte[IpStack.HeaderRoom];
        private long _now = 1_000_000;
        private int _order;

        public Wire(StackOptions options, double loss, int delay, int seed)
        {
            (_loss, _delay, _random) = (loss, delay, new Random(seed));
            byte[] secret = new byte[32];
            _left = new IpStack(options, secret, Left);
            secret[0] = 1;
            _right = new IpStack(options, secret, Right);
        }

        public PacketPool Left { get; } = new();

        public PacketPool Right { get; } = new();

        public void Exchange(int bytes)
        {
            Side left = new(_left, bytes, 1);
            Side right = new(_right, bytes, 2);
            left.Flow = _left.Connect(ScriptedPeer.End("10.0.0.1", 1234), ScriptedPeer.End("10.0.0.2", 80), _now);
            int steps = 0;
            while (!left.Done || !right.Done)
            {
                Assert.True(++steps < 2_000_000, "no end");
                left.Act(_now);
                right.Act(_now);
                Carry(_left, toRight: true);
                Carry(_right, toRight: false);
                long next = Math.Min(_left.NextDeadline, _right.NextDeadline);
                if (_queue.TryPeek(out _, out (long At, int) first))
                {
                    next = Math.Min(next, first.At);
                }

                Assert.True(next != long.MaxValue || (left.Done && right.Done), $"dead: left {_left.Counters} right {_right.Counters}");
                Assert.True(next >= _now, $"a deadline in the past: {_left.NextDeadlineReason} {_right.NextDeadlineReason}");
                if (next == long.MaxValue)
                {
                    break;
                }

                _now = next;
                _left.Advance(_now);
                _right.Advance(_now);
                while (_queue.TryPeek(out _, out first) && first.At <= _now)
                {
                    (bool toRight, byte[] packet, PacketOffload offload) = _queue.Dequeue();
                    PacketBuffer buffer = (toRight ? Right : Left).Rent(packet.Length);
                    packet.CopyTo(buffer.Array, 0);
                    buffer.Length = packet.Length;
                    buffer.Offload = offload;
                    (toRight ? _right : _left).Receive(buffer, _now);
                }
            }

            left.Flow!.Release(_now);
            right.Flow!.Release(_now);
            for (_now += 100_000_000; _left.TcpFlowCount + _right.TcpFlowCount > 0; _now += 100_000_000)
            {
                _left.Advance(_now);
                _right.Advance(_now);
                Carry(_left, toRight: true);
                Carry(_right, toRight: false);
            }
        }

        private void Carry(IpStack from, bool toRight)
        {
            while (from.TryTransmit(_now, _scratch, out OutgoingPacket packet))
            {
                if (_random.NextDouble() >= _loss)
                {
                    _queue.Enqueue((toRight, [.. packet.Header, .. packet.Payload], packet.Offload), (_now + _delay, _order++));
                }
            }
        }
    }

    private sealed class Side(IpStack stack, int bytes, int seed)
    {
        private readonly Random _sends = new(seed);
        private readonly Random _expects = new(3 - seed);
        private int _sent;
        private int _received;
        private bool _closed;

        public TcpFlow? Flow { get; set; }

        public bool Done => _closed;

        public void Act(long now)
        {
            while (stack.TryNextEvent(out StackEvent happened))
            {
                switch (happened.Kind)
                {
                    case StackEventKind.TcpOpening:
                        Flow = happened.Tcp;
                        Flow!.Accept(now);
                        break;
                    case StackEventKind.TcpClosed:
                        Assert.Equal(TcpCloseReason.Finished, Flow!.CloseReason);
                        _closed = true;
                        break;
                }
            }

            if (Flow is null)
            {
                return;
            }

            Read(now);
            Write(now);
        }

        private void Read(long now)
        {
            ReadOnlySequence<byte> received = Flow!.Received;
            byte[] expected = new byte[received.Length];
            _expects.NextBytes(expected);
            Assert.True(received.ToArray().AsSpan().SequenceEqual(expected), $"wrong bytes from {_received} on");
            _received += expected.Length;
            Flow.Consume(received.Length, now);
        }

        private void Write(long now)
        {
            while (_sent < bytes)
            {
                Memory<byte> memory = Flow!.GetMemory();
                if (memory.IsEmpty)
                {
                    return;
                }

                int count = Math.Min(memory.Length, bytes - _sent);
                _sends.NextBytes(memory.Span[..count]);
                Flow.Advance(count, now);
                _sent += count;
            }

            Flow!.Finish(now);
        }
    }
}
