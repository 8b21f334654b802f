using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Culvert.Flows;

namespace Culvert.Tests.Unit.Names;

/// <summary>An association inside the process; each datagram sent is given to a function, and what that gives comes back.</summary>
internal sealed class MemoryAssociation(Func<byte[], Destination, IEnumerable<(byte[] Payload, Destination From, bool Refused)>> answer) : IAssociation
{
    private readonly Channel<(byte[] Payload, Destination From, bool Refused)> _incoming = Channel.CreateUnbounded<(byte[], Destination, bool)>();

    /// <summary>Completes when the association has been disposed.</summary>
    public TaskCompletionSource Closed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
    {
        foreach ((byte[] Payload, Destination From, bool Refused) datagram in answer(payload.ToArray(), destination))
        {
            _incoming.Writer.TryWrite(datagram);
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        await _incoming.Reader.WaitToReadAsync(cancellation);
        if (buffer.IsEmpty)
        {
            return default;
        }

        (byte[] payload, Destination from, bool refused) = await _incoming.Reader.ReadAsync(cancellation);
        payload.CopyTo(buffer);
        return new ReceivedDatagram(payload.Length, from, refused);
    }

    public ValueTask DisposeAsync()
    {
        Closed.TrySetResult();
        return ValueTask.CompletedTask;
    }
}
