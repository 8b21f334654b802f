using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Bench.Load.Sessions;

/// <summary>The exit behind the gateway: destinations inside its own process, so that the session is what is measured and no second TCP connection.</summary>
internal sealed class FarExit : IExit
{
    public string Description => "far:";

    public ExitCapabilities Capabilities => ExitCapabilities.None;

    public ValueTask ProbeAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation) => new(new FarConnection((ushort)destination.Port));

    public ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation) => throw Refusal();

    public ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation) => throw Refusal();

    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) => throw Refusal();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static CulvertException Refusal() => new(FailureKind.NotCarried, "Streams only.");
}
