using System;
using System.Buffers;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;
using Xunit;

namespace Culvert.Tests.Unit.Stack.Tcp;

/// <summary>The queues against plain arrays, over many random steps.</summary>
public sealed class QueueTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void SendQueueGivesBackWhatWasWritten(int seed)
    {
        Random random = new(seed);
        PacketPool pool = new();
        SendQueue queue = new(pool, 200_000);
        const uint Begin = 0xFFFF_F000;
        queue.Begin(Begin);
        List<byte> written = [];
        int acknowledged = 0;
        for (int i = 0; i < 5_000; i++)
        {
            switch (random.Next(3))
            {
                case 0:
                    Memory<byte> memory = queue.Lend(1460, 65_160);
                    Assert.Equal(memory.IsEmpty, !queue.IsWritable);
                    if (memory.IsEmpty)
                    {
                        break;
                    }

                    Assert.InRange(memory.Length, 1, 65_160);
                    int count = random.Next(3) == 0 ? memory.Length : random.Next(Math.Min(memory.Length, 5000) + 1);
                    random.NextBytes(memory.Span[..count]);
                    written.AddRange(memory.Span[..count].ToArray());
                    queue.Commit(count, keep: true);
                    break;
                case 1:
                    acknowledged += random.Next(Math.Min(queue.Length, 20_000) + 1);
                    queue.Acknowledge(Begin + (uint)acknowledged);
                    break;
                default:
                    if (queue.Length > 0)
                    {
                        int at = acknowledged + random.Next(queue.Length);
                        ReadOnlySpan<byte> bytes = queue.Peek(Begin + (uint)at, random.Next(1, 3000));
                        Assert.False(bytes.IsEmpty);
                        Assert.True(bytes.SequenceEqual(CollectionsMarshal.AsSpan(written).Slice(at, bytes.Length)));
                    }

                    break;
            }

            Assert.Equal(written.Count - acknowledged, queue.Length);
            Assert.True(queue.Length <= 200_000);
        }

        queue.Acknowledge(queue.End);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void IdleFlowBeginsWithASmallBlockAndABusyOneGetsLargeOnes()
    {
        PacketPool pool = new();
        SendQueue queue = new(pool, 1 << 20);
        Assert.Equal(1460, queue.Lend(1460, 65_160).Length);
        queue.Commit(1460, keep: true);
        Assert.Equal(64_240, queue.Lend(1460, 65_160).Length); // 44 whole segments
        queue.Commit(0, keep: true);
        queue.DropBlocks();
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void SegmentsInAnyOrderComeOutInOrderAndMemoryStaysBounded(int seed)
    {
        Random random = new(seed);
        PacketPool pool = new();
        ReceiveQueue queue = new(pool, new ReceiveSegmentPool());
        OutOfOrderQueue early = new(pool, 1 << 20);
        byte[] stream = new byte[300_000];
        random.NextBytes(stream);
        const uint Begin = 0xFFFF_0000;
        int next = 0;
        int taken = 0;
        while (taken < stream.Length)
        {
            int start = next == stream.Length ? 0 : Math.Min(next + (random.Next(4) == 0 ? 0 : random.Next(40_000)), stream.Length - 1);
            int length = Math.Min(random.Next(1, random.Next(3) == 0 ? 20_000 : 1500), stream.Length - start);
            PacketBuffer packet = pool.Rent(random.Next(2) == 0 ? PacketPool.LargeSize : Math.Max(length + 40, 100));
            stream.AsSpan(start, length).CopyTo(packet.Array.AsSpan(40));
            if (start > next)
            {
                Assert.True(early.Add(Begin + (uint)start, packet, 40, length, out _));
            }
            else if (start == next)
            {
                queue.Append(packet, 40, length);
                next += length;
                next = Seq.Distance(Begin, early.MoveTo(queue, Begin + (uint)next));
            }

            packet.Release();
            if (random.Next(3) == 0)
            {
                int count = random.Next(queue.Length + 1);
                Assert.True(queue.Bytes.Slice(0, count).ToArray().AsSpan().SequenceEqual(stream.AsSpan(taken, count)));
                queue.Consume(count);
                taken += count;
            }
        }

        Assert.True(early.IsEmpty);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void OutOfOrderBytesBeyondTheBoundAreNotTaken()
    {
        PacketPool pool = new();
        OutOfOrderQueue early = new(pool, 10 * PacketPool.SmallSize);
        PacketBuffer packet = pool.Rent(100);
        int taken = 0;
        for (uint i = 0; i < 20; i++)
        {
            taken += early.Add(i * 10, packet, 0, 5, out _) ? 1 : 0;
        }

        Assert.Equal(10, taken);
        Assert.Equal(11, pool.Outstanding);
        early.Clear();
        packet.Release();
        Assert.Equal(0, pool.Outstanding);
    }
}
