using System;
using System.Buffers;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Transports;

/// <summary>
/// Streams of the framework as a connection: one of TLS, or standard input and output. What is written in many small pieces goes to the stream in few large ones, since each may
/// cost a record and a system call.
/// </summary>
internal sealed class StreamConnection : IConnection
{
    // Two full records of TLS.
    private const int Gathered = 32 * 1024;

    private readonly Stream _input;
    private readonly Stream _output;
    private readonly string _what;
    private readonly Func<CancellationToken, ValueTask> _finish;
    private readonly Func<bool, ValueTask> _close;
    private int _closed;

    /// <summary>A connection that reads <paramref name="input"/> and writes <paramref name="output"/>, which may be the same.</summary>
    /// <param name="input">What is read.</param>
    /// <param name="output">What is written.</param>
    /// <param name="what">Starts the sentences about failures: "The connection to …".</param>
    /// <param name="finish">Tells the far side that no more comes.</param>
    /// <param name="close">Closes what is underneath, called once; by a reset when its argument says so.</param>
    public StreamConnection(Stream input, Stream output, string what, Func<CancellationToken, ValueTask> finish, Func<bool, ValueTask> close)
    {
        _input = input;
        _output = output;
        _what = what;
        _finish = finish;
        _close = close;
    }

    /// <summary>Standard input and output, of this process or of a child: the far side of an agent.</summary>
    public static StreamConnection OfPair(Stream input, Stream output, string what) => new(
        input,
        output,
        what,
        async _ => await output.DisposeAsync().ConfigureAwait(false),
        async _ =>
        {
            await output.DisposeAsync().ConfigureAwait(false);
            await input.DisposeAsync().ConfigureAwait(false);
        });

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        try
        {
            return await _input.ReadAsync(buffer, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (TryToFailure(e, _what) is { } failure)
        {
            throw failure;
        }
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default)
    {
        try
        {
            if (data.IsSingleSegment)
            {
                await _output.WriteAsync(data.First, cancellation).ConfigureAwait(false);
            }
            else
            {
                await GatherAsync(data, cancellation).ConfigureAwait(false);
            }

            await _output.FlushAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (TryToFailure(e, _what) is { } failure)
        {
            throw failure;
        }
    }

    /// <inheritdoc/>
    public async ValueTask FinishAsync(CancellationToken cancellation = default)
    {
        try
        {
            await _finish(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (TryToFailure(e, _what) is { } failure)
        {
            throw failure;
        }
    }

    /// <inheritdoc/>
    public void Abort() => _ = CloseAsync(reset: true).AsTask();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => CloseAsync(reset: false);

    /// <summary>The failure that an exception of a stream means; null for any other exception.</summary>
    internal static CulvertException? TryToFailure(Exception error, string what) => error switch
    {
        IOException { InnerException: CulvertException inner } => inner,
        IOException => new CulvertException(FailureKind.Reset, $"{what} failed: {error.Message}", error),
        ObjectDisposedException => new CulvertException(FailureKind.Reset, $"{what} failed: it was closed on this side.", error),
        _ => null,
    };

    private async ValueTask GatherAsync(ReadOnlySequence<byte> data, CancellationToken cancellation)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(data.Length, Gathered));
        try
        {
            while (!data.IsEmpty)
            {
                if (data.First.Length >= buffer.Length)
                {
                    ReadOnlyMemory<byte> first = data.First;
                    await _output.WriteAsync(first, cancellation).ConfigureAwait(false);
                    data = data.Slice(first.Length);
                    continue;
                }

                ReadOnlySequence<byte> next = data.Slice(0, Math.Min(data.Length, buffer.Length));
                next.CopyTo(buffer);
                await _output.WriteAsync(buffer.AsMemory(0, (int)next.Length), cancellation).ConfigureAwait(false);
                data = data.Slice(next.Length);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask CloseAsync(bool reset)
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            await _close(reset).ConfigureAwait(false);
        }
    }
}
