using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;
using Culvert.Flows;

namespace Culvert.Entries;

/// <summary>Moves the body of one HTTP message from one connection to another, byte for byte, and not a byte more.</summary>
internal static class HttpBodies
{
    /// <summary>Bytes moved at a time.</summary>
    public const int BlockSize = 64 * 1024;

    /// <summary>
    /// Moves <paramref name="body"/>. Fails with <see cref="FailureKind.Reset"/> when the sender ends before the body does, and with
    /// <see cref="FailureKind.Protocol"/> when its chunks are malformed. <paramref name="progress"/> is called whenever bytes have moved.
    /// </summary>
    public static async Task PumpAsync(BufferedConnection from, IConnection to, HttpBody body, Action progress, CancellationToken cancellation)
    {
        HttpChunks? chunks = body.Kind == HttpBodyKind.Chunked ? new HttpChunks() : null;
        long left = body.Length;
        bool done = body.Kind == HttpBodyKind.None;
        while (!done)
        {
            if (from.Buffered.IsEmpty && !await from.FillAsync(BlockSize, BlockSize, cancellation).ConfigureAwait(false))
            {
                if (body.Kind == HttpBodyKind.UntilClose)
                {
                    return;
                }

                throw new CulvertException(FailureKind.Reset, "The connection was closed in the middle of a message.");
            }

            progress();
            ReadOnlyMemory<byte> block = from.Buffered;
            int count = block.Length;
            switch (body.Kind)
            {
                case HttpBodyKind.Length:
                    count = (int)Math.Min(left, count);
                    left -= count;
                    done = left == 0;
                    break;
                case HttpBodyKind.Chunked:
                    ParseStatus status = chunks!.Scan(block.Span, out count);
                    done = status == ParseStatus.Done;
                    if (status is ParseStatus.Malformed or ParseStatus.TooLarge)
                    {
                        throw new CulvertException(FailureKind.Protocol, "A message's chunks are malformed.");
                    }

                    break;
                default:
                    break;
            }

            await to.WriteAsync(new(block[..count]), cancellation).ConfigureAwait(false);
            progress();
            from.Consume(count);
        }
    }
}
