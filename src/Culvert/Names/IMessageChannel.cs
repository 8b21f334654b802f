using System;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Names;

/// <summary>DNS messages to and from one server, one way or the other. One sender and one receiver at a time.</summary>
internal interface IMessageChannel : IAsyncDisposable
{
    /// <summary>Sends one message.</summary>
    ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation);

    /// <summary>
    /// The next message from the server, valid until the next call; empty when it has closed. Holds no memory while it waits for one to begin.
    /// </summary>
    ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellation);
}
