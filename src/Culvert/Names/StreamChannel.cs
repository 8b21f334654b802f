using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core.Dns;
using Culvert.Flows;

namespace Culvert.Names;

/// <summary>DNS over TCP (RFC 7766) through an exit's connection.</summary>
internal sealed class StreamChannel(IConnection connection) : IMessageChannel
{
    private readonly byte[] _prefix = new byte[DnsFraming.PrefixSize];
    private byte[]? _buffer;

    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation) =>
        connection.WriteAsync(new ReadOnlySequence<byte>(DnsFraming.Frame(message.Span)), cancellation);

    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellation)
    {
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }

        int length = 0;
        while (length == 0)
        {
            if (!await FillAsync(_prefix, cancellation).ConfigureAwait(false))
            {
                return default;
            }

            length = BinaryPrimitives.ReadUInt16BigEndian(_prefix);
        }

        _buffer = ArrayPool<byte>.Shared.Rent(length);
        return await FillAsync(_buffer.AsMemory(0, length), cancellation).ConfigureAwait(false) ? _buffer.AsMemory(0, length) : default;
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private async ValueTask<bool> FillAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        while (!buffer.IsEmpty)
        {
            int got = await connection.ReadAsync(buffer, cancellation).ConfigureAwait(false);
            if (got == 0)
            {
                return false;
            }

            buffer = buffer[got..];
        }

        return true;
    }
}
