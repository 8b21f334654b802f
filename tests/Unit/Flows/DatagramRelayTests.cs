using System;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Xunit;

namespace Culvert.Tests.Unit.Flows;

public sealed class DatagramRelayTests
{
    private static readonly Destination Somewhere = new("x.test", 1);

    [Theory]
    [InlineData(1, 16)]
    [InlineData(1_200, 2_048)]
    public async Task ADatagramThatHasToWaitKeepsNoMoreMemoryThanItNeeds(int size, int most)
    {
        byte[] payload = new byte[size];
        new Random(size).NextBytes(payload);
        SlowAssociation application = new(payload);
        SlowAssociation exit = new(null);
        Task relay = DatagramRelay.RunAsync(application, exit);
        ReadOnlyMemory<byte> sent = await exit.Sent.Task.WaitAsync(Patience.Soon);
        Assert.True(MemoryMarshal.TryGetArray(sent, out ArraySegment<byte> segment));
        Assert.InRange(segment.Array!.Length, size, most);
        Assert.Equal(payload, sent.ToArray());
        exit.Go.SetResult();
        await exit.DisposeAsync(); // ends the relay
        await relay.WaitAsync(Patience.Soon);
    }

    [Fact]
    public async Task ThatNobodyTakesADatagramIsSaidToWhoeverSentIt()
    {
        RefusedAssociation application = new(sends: true);
        RefusedAssociation exit = new(sends: false);
        Task relay = DatagramRelay.RunAsync(application, exit);
        Assert.Equal(Somewhere, await application.Refused.Task.WaitAsync(Patience.Soon));
        await exit.DisposeAsync(); // ends the relay
        await relay.WaitAsync(Patience.Soon);
    }

    /// <summary>One datagram is sent from here, or what is sent here is refused by its destination.</summary>
    private sealed class RefusedAssociation(bool sends) : IAssociation
    {
        private readonly TaskCompletionSource<ReceivedDatagram> _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<ReceivedDatagram> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _taken;

        public TaskCompletionSource<Destination> Refused { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
        {
            _next.TrySetResult(new ReceivedDatagram(0, destination, Refused: true));
            return ValueTask.CompletedTask;
        }

        public ValueTask RefuseAsync(Destination destination)
        {
            Refused.TrySetResult(destination);
            return ValueTask.CompletedTask;
        }

        public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
        {
            if (_taken)
            {
                return await _over.Task;
            }

            ReceivedDatagram datagram = sends ? new ReceivedDatagram(1, Somewhere) : await (await Task.WhenAny(_next.Task, _over.Task));
            _taken = !buffer.IsEmpty;
            return buffer.IsEmpty ? default : datagram;
        }

        public ValueTask DisposeAsync()
        {
            _over.TrySetException(new CulvertException(FailureKind.Reset, "It is over."));
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Receives one datagram at most, and takes its time to send.</summary>
    private sealed class SlowAssociation(byte[]? incoming) : IAssociation
    {
        private readonly TaskCompletionSource<ReceivedDatagram> _nothing = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<ReadOnlyMemory<byte>> Sent { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Go { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
        {
            Sent.SetResult(payload);
            await Go.Task;
        }

        public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
        {
            if (incoming is not { } payload)
            {
                return await _nothing.Task;
            }

            if (buffer.IsEmpty)
            {
                return default;
            }

            incoming = null;
            payload.CopyTo(buffer);
            return new ReceivedDatagram(payload.Length, Somewhere);
        }

        public ValueTask DisposeAsync()
        {
            _nothing.TrySetException(new CulvertException(FailureKind.Reset, "It is over."));
            return ValueTask.CompletedTask;
        }
    }
}
