using System;
using System.Buffers;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;
using Culvert.Tests.Unit.Names;

namespace Culvert.Tests.Unit.Sessions;

/// <summary>The exit behind the gateway of a test of cuts: what it gives and takes is known by its hash, and anything else by its echo.</summary>
internal sealed class CutHosts(long size) : IExit
{
    public const int Download = 80;
    public const int Upload = 81;
    public const int Echo = 7;

    // As long as a prime, so that nothing that is missing, doubled or moved falls on the same bytes again.
    private static readonly byte[] Block = MakeBlock(1_048_573);

    /// <summary>The hash of what was uploaded, once all is there.</summary>
    public TaskCompletionSource<byte[]> Uploaded { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Description => "hosts:";

    public ExitCapabilities Capabilities => ExitCapabilities.Datagrams;

    /// <summary>The bytes of either transfer from <paramref name="position"/> on, as many as are at hand.</summary>
    public ReadOnlySpan<byte> Bytes(long position) => Block.AsSpan((int)(position % Block.Length)) is var rest && rest.Length > size - position ? rest[..(int)(size - position)] : rest;

    public ValueTask ProbeAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation)
    {
        Wire wire = new(room: 256 * 1024);
        Task played = destination.Port switch
        {
            Download => GiveAsync(wire.Far),
            Upload => TakeAsync(wire.Far),
            _ => RepeatAsync(wire.Far),
        };
        _ = played.ContinueWith(t => Uploaded.TrySetException(t.Exception!), CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        return new(wire.Near);
    }

    public ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation) => ValueTask.FromResult<IAssociation>(new MemoryAssociation(static (payload, to) => [(payload, to, false)]));

    public ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation) => ValueTask.FromResult(payload);

    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) => ValueTask.FromResult(query);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Sends all of it.</summary>
    public async Task GiveAsync(IConnection connection)
    {
        for (long at = 0; at < size;)
        {
            int count = Math.Min(Bytes(at).Length, 64 << 10);
            await connection.WriteAsync(new ReadOnlySequence<byte>(Block, (int)(at % Block.Length), count));
            at += count;
        }

        await connection.FinishAsync();
    }

    private static byte[] MakeBlock(int length)
    {
        byte[] block = new byte[length];
        new Random(5).NextBytes(block);
        return block;
    }

    private static async Task RepeatAsync(IConnection connection)
    {
        byte[] buffer = new byte[4096];
        while (await connection.ReadAsync(buffer) is > 0 and int count)
        {
            await connection.WriteAsync(new ReadOnlySequence<byte>(buffer, 0, count));
        }

        await connection.FinishAsync();
    }

    private async Task TakeAsync(IConnection connection)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[64 << 10];
        while (await connection.ReadAsync(buffer) is > 0 and int count)
        {
            hash.AppendData(buffer, 0, count);
        }

        await connection.FinishAsync();
        Uploaded.TrySetResult(hash.GetHashAndReset());
    }
}
