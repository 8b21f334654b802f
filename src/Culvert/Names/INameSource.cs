using System;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Names;

/// <summary>One way to have raw DNS queries answered by somebody else.</summary>
internal interface INameSource : IAsyncDisposable
{
    /// <summary>
    /// Has <paramref name="query"/>, a valid one, answered. <paramref name="overTcp"/>: the client asked over TCP, and wants the whole answer. Fails with
    /// <see cref="Core.CulvertException"/>; the answer is checked by the caller.
    /// </summary>
    ValueTask<ReadOnlyMemory<byte>> AskAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancellation);
}
