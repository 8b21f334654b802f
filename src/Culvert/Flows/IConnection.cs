using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Flows;

/// <summary>
/// One TCP connection as seen by the relay: a byte stream each way that is finished each way on its own (half-close). One
/// reader and one writer at a time. Reset by the far side shows as <see cref="CulvertException"/> with <see cref="FailureKind.Reset"/>.
/// <see cref="IAsyncDisposable.DisposeAsync"/> without both directions finished resets.
/// </summary>
public interface IConnection : IAsyncDisposable
{
    /// <summary>
    /// Reads what is there, at least one byte; 0 when the far side has finished sending. An empty <paramref name="buffer"/> waits until
    /// there is something to read (or the end) and returns 0 without taking a byte, so that idle connections hold no memory.
    /// </summary>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default);

    /// <summary>Writes all of <paramref name="data"/>; returns when the system has taken it, not before, which is the back-pressure.</summary>
    ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default);

    /// <summary>Tells the far side that no more will be sent (FIN); reading goes on.</summary>
    ValueTask FinishAsync(CancellationToken cancellation = default);

    /// <summary>Drops the connection at once (RST); pending reads and writes fail. Idempotent, never throws.</summary>
    void Abort();
}
