using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;
using Culvert.Tests.Unit.Names;

namespace Culvert.Tests.Unit.Sessions;

/// <summary>The exit behind a gateway: hosts whose ports do what their number stands for.</summary>
internal sealed class FarHosts : IExit
{
    public const int Echo = 7;
    public const int Closed = 1;
    public const int Unreachable = 2;
    public const int Silent = 3;
    public const int Held = 9;

    /// <summary>The far ends of connections to <see cref="Held"/>, for the test to play.</summary>
    public BlockingCollection<IConnection> Accepted { get; } = [];

    /// <summary>Completes when a connection to <see cref="Silent"/> is given up.</summary>
    public TaskCompletionSource GivenUp { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Description => "hosts:";

    public ExitCapabilities Capabilities => ExitCapabilities.Datagrams | ExitCapabilities.Echo | ExitCapabilities.Resolve;

    public ValueTask ProbeAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public async ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation)
    {
        switch (destination.Port)
        {
            case Closed:
                throw new CulvertException(FailureKind.Refused, "Nobody listens.");
            case Unreachable:
                throw new CulvertException(FailureKind.HostUnreachable, "No route.");
            case Silent:
                try
                {
                    await Task.Delay(Timeout.Infinite, cancellation);
                }
                finally
                {
                    GivenUp.TrySetResult();
                }

                break;
        }

        Wire wire = new();
        if (destination.Port == Held)
        {
            Accepted.Add(wire.Far, cancellation);
        }
        else
        {
            _ = EchoAsync(wire.Far);
        }

        return wire.Near;
    }

    public ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation) => ValueTask.FromResult<IAssociation>(
        new MemoryAssociation(static (payload, to) => [(payload, to, false)]));

    public ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation) => ValueTask.FromResult(payload);

    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) => ValueTask.FromResult(query);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static async Task EchoAsync(IConnection connection)
    {
        byte[] buffer = new byte[32 * 1024];
        try
        {
            for (int count; (count = await connection.ReadAsync(buffer)) > 0;)
            {
                await connection.WriteAsync(new ReadOnlySequence<byte>(buffer, 0, count));
            }

            await connection.FinishAsync();
        }
        catch (CulvertException)
        {
            // Its client's affair.
        }
    }
}
