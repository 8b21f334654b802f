using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;

namespace Culvert.Names;

/// <summary><c>--dns remote</c>: the exit's own resolver.</summary>
internal sealed class RemoteNames(IExit exit) : INameSource
{
    public ValueTask<ReadOnlyMemory<byte>> AskAsync(ReadOnlyMemory<byte> query, bool overTcp, CancellationToken cancellation) =>
        exit.ResolveAsync(query, cancellation);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
