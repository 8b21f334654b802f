using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Xunit;

namespace Culvert.Tests.Unit.Flows;

public sealed class SocketConnectionTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task AnEmptyReadWaitsForBytesAndTakesNone()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        await using SocketConnection connection = new(pair.Near, "It");
        ValueTask<int> wait = connection.ReadAsync(Memory<byte>.Empty);
        Assert.False(wait.IsCompleted);
        await pair.Far.SendAsync(new byte[] { 1, 2, 3 });
        Assert.Equal(0, await wait);
        Assert.Equal(0, await connection.ReadAsync(Memory<byte>.Empty));
        Assert.Equal(3, await connection.ReadAsync(new byte[10]));
    }

    [Fact]
    public async Task AnEmptyReadEndsAtTheEndOfTheStream()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        await using SocketConnection connection = new(pair.Near, "It");
        ValueTask<int> wait = connection.ReadAsync(Memory<byte>.Empty);
        pair.Far.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await wait.AsTask().WaitAsync(Soon));
        Assert.Equal(0, await connection.ReadAsync(new byte[1]));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 100_000)]
    [InlineData(500, 3_000)]
    public async Task ManySegmentsArriveInOrder(int segments, int size)
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        await using SocketConnection connection = new(pair.Near, "It");
        byte[] data = new byte[segments * size];
        new Random(segments).NextBytes(data);
        byte[] received = new byte[data.Length * 2];
        Task write = Task.Run(async () =>
        {
            for (int i = 0; i < 2; i++)
            {
                await connection.WriteAsync(Chunks.Split(data, size));
            }

            await connection.FinishAsync();
        });
        int count = 0;
        for (int n; (n = await pair.Far.ReceiveSoonAsync(received.AsMemory(count))) > 0;)
        {
            count += n;
        }

        await write;
        Assert.Equal(received.Length, count);
        Assert.True(received.AsSpan(0, data.Length).SequenceEqual(data));
        Assert.True(received.AsSpan(data.Length).SequenceEqual(data));
    }

    [Fact]
    public async Task GatheringSendsLeaveNoGarbageBehind()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        await using SocketConnection connection = new(pair.Near, "It");
        ReadOnlySequence<byte> data = Chunks.Split(new byte[3000], 1000);
        byte[] buffer = new byte[4096];
        await connection.WriteAsync(data);
        long before = 0;
        for (int i = 0; i < 300; i++)
        {
            before = i == 100 ? GC.GetAllocatedBytesForCurrentThread() : before;
            ValueTask write = connection.WriteAsync(data);
            Assert.True(write.IsCompletedSuccessfully);
            _ = pair.Far.Receive(buffer);
        }

#if DEBUG
        const int perCall = 300; // the compiler makes state machines objects in debug builds
#else
        const int perCall = 0;
#endif
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (200 * perCall) + 100);
    }

    [Fact]
    public async Task AbortIsSeenAsResetByTheFarSide()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        SocketConnection connection = new(pair.Near, "It");
        connection.Abort();
        connection.Abort();
        SocketException e = await Assert.ThrowsAsync<SocketException>(async () => await pair.Far.ReceiveSoonAsync(new byte[1]));
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
    }

    [Fact]
    public async Task AbortEndsReadsAndWritesThatWait()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync(8192);
        SocketConnection connection = new(pair.Near, "It");
        Task read = connection.ReadAsync(new byte[1]).AsTask();
        Task write = connection.WriteAsync(Chunks.Split(new byte[16 << 20], 1 << 20)).AsTask();
        Assert.False(write.IsCompleted);
        connection.Abort();
        Assert.Equal(FailureKind.Reset, (await Assert.ThrowsAsync<CulvertException>(() => read.WaitAsync(Soon))).Kind);
        Assert.Equal(FailureKind.Reset, (await Assert.ThrowsAsync<CulvertException>(() => write.WaitAsync(Soon))).Kind);
    }

    [Fact]
    public async Task ACancelledGatheringWriteSaysSo()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync(8192);
        await using SocketConnection connection = new(pair.Near, "It");
        using CancellationTokenSource stop = new();
        Task write = connection.WriteAsync(Chunks.Split(new byte[16 << 20], 1 << 20), stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.WaitAsync(Soon));
    }

    [Fact]
    public async Task ResetByTheFarSideIsAFailureOfThatKind()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        await using SocketConnection connection = new(pair.Near, "The connection to there");
        pair.Far.LingerState = new LingerOption(true, 0);
        pair.Far.Dispose();
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await connection.ReadAsync(new byte[1]));
        Assert.Equal(FailureKind.Reset, e.Kind);
        Assert.StartsWith("The connection to there", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DisposalResetsUnlessBothDirectionsAreFinished()
    {
        using LoopbackPair half = await LoopbackPair.ConnectAsync();
        SocketConnection connection = new(half.Near, "It");
        await connection.FinishAsync();
        Assert.Equal(0, await half.Far.ReceiveSoonAsync(new byte[1]));
        await connection.DisposeAsync();
        await Assert.ThrowsAsync<SocketException>(async () => await half.Far.SendAsync(new byte[1]));

        using LoopbackPair whole = await LoopbackPair.ConnectAsync();
        connection = new SocketConnection(whole.Near, "It");
        whole.Far.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await connection.ReadAsync(new byte[1]));
        await connection.FinishAsync();
        await connection.DisposeAsync();
        Assert.Equal(0, await whole.Far.ReceiveSoonAsync(new byte[1]));
    }
}

/// <summary>Sequences of several segments.</summary>
internal static class Chunks
{
    public static ReadOnlySequence<byte> Split(byte[] data, int size)
    {
        List<byte[]> parts = data.Chunk(size).ToList();
        Segment first = new(parts[0], 0);
        Segment last = first;
        foreach (byte[] part in parts.Skip(1))
        {
            last = last.Append(part);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] data, long index) => (Memory, RunningIndex) = (data, index);

        public Segment Append(byte[] data)
        {
            Segment next = new(data, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
