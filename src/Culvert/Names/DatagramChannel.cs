using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Flows;

namespace Culvert.Names;

/// <summary>DNS over UDP (RFC 1035 section 4.2.1) through an exit's association.</summary>
internal sealed class DatagramChannel(IAssociation association, Destination server) : IMessageChannel
{
    private byte[]? _buffer;

    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellation) => association.SendAsync(message, server, cancellation);

    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellation)
    {
        while (true)
        {
            GiveBack();
            await association.ReceiveAsync(Memory<byte>.Empty, cancellation).ConfigureAwait(false);
            _buffer = ArrayPool<byte>.Shared.Rent(DnsFraming.MaxMessage);
            ReceivedDatagram got = await association.ReceiveAsync(_buffer, cancellation).ConfigureAwait(false);
            if (got.From != server)
            {
                // Forged, or an answer to nobody: only the server asked may answer (RFC 5452 section 9.1).
                continue;
            }

            if (got.Refused)
            {
                throw new CulvertException(FailureKind.Refused, $"Nobody answers DNS by UDP at {server}.");
            }

            if (got.Length > 0)
            {
                return _buffer.AsMemory(0, got.Length);
            }
        }
    }

    public ValueTask DisposeAsync() => association.DisposeAsync();

    private void GiveBack()
    {
        if (_buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = null;
        }
    }
}
