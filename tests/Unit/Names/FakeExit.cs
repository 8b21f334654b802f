using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Tests.Unit.Names;

/// <summary>An exit inside the process, made of functions; what has none is not carried.</summary>
internal sealed class FakeExit : IExit
{
    public string Description { get; init; } = "fake:";

    public ExitCapabilities Capabilities { get; init; }

    public Func<Destination, CancellationToken, ValueTask<IConnection>>? Connect { get; init; }

    /// <summary>Connects by the dialer it is given, when <see cref="Connect"/> is not set.</summary>
    public Func<IDialer, CancellationToken, ValueTask<IConnection>>? Dial { get; init; }

    public Func<IAssociation>? Associate { get; init; }

    public Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask<ReadOnlyMemory<byte>>>? Resolve { get; init; }

    public ValueTask ProbeAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation) =>
        Connect?.Invoke(destination, cancellation) ?? throw NotCarried();

    public ValueTask<IConnection> ConnectAsync(Destination destination, IDialer dialer, CancellationToken cancellation) =>
        Dial is null ? ConnectAsync(destination, cancellation) : Dial(dialer, cancellation);

    public ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation) =>
        Associate is null ? throw NotCarried() : ValueTask.FromResult(Associate());

    public ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation) => throw NotCarried();

    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) =>
        Resolve?.Invoke(query, cancellation) ?? throw NotCarried();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static CulvertException NotCarried() => new(FailureKind.NotCarried, "This exit of the test does not carry that.");
}
