using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;
using Culvert.Tests.Unit.Names;

namespace Culvert.Tests.Unit.Gateway;

/// <summary>An exit that takes everything and remembers where it was asked to go.</summary>
internal sealed class RecordingExit : IExit, IAssociation
{
    public List<Destination> Reached { get; } = [];

    /// <summary>What a query is answered with.</summary>
    public byte[] Answer { get; set; } = [];

    /// <summary>Whom the next datagram is from.</summary>
    public Destination From { get; set; }

    public string Description => "recording:";

    public ExitCapabilities Capabilities => ExitCapabilities.Datagrams | ExitCapabilities.Echo | ExitCapabilities.Resolve | ExitCapabilities.UnixSockets;

    public ValueTask ProbeAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation)
    {
        Reached.Add(destination);
        return ValueTask.FromResult<IConnection>(MemoryConnection.Pair().Near);
    }

    public ValueTask<IConnection> ConnectUnixAsync(string path, CancellationToken cancellation) => ValueTask.FromResult<IConnection>(MemoryConnection.Pair().Near);

    public ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation) => ValueTask.FromResult<IAssociation>(this);

    public ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        Reached.Add(destination);
        return ValueTask.FromResult(payload);
    }

    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) => ValueTask.FromResult<ReadOnlyMemory<byte>>(Answer);

    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
    {
        Reached.Add(destination);
        return ValueTask.CompletedTask;
    }

    public ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default) => ValueTask.FromResult(new ReceivedDatagram(0, From));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
