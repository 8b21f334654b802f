using System;
using System.Buffers;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Proxy;

namespace Culvert.Flows.Socks;

/// <summary>
/// A UDP association whose datagrams travel in its TCP connection (hev-socks5's command 5). Both ends of such a connection frame alike: at the exit
/// a received datagram is from whom the record names, at the entry it is for that one.
/// </summary>
internal sealed class SocksTcpAssociation : IAssociation
{
    /// <summary>Datagrams that wait for the connection at most; more are dropped, as a full queue of UDP does.</summary>
    public const int MaxWaiting = 64;

    private readonly BufferedConnection _connection;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private int _waiting;

    /// <summary>Takes over the connection.</summary>
    public SocksTcpAssociation(BufferedConnection connection) => _connection = connection;

    /// <inheritdoc/>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
    {
        if (payload.Length > ushort.MaxValue)
        {
            return;
        }

        byte[] record = ArrayPool<byte>.Shared.Rent(SocksDatagram.MaxHeader + payload.Length);
        try
        {
            if (!SocksDatagram.TryWriteTcp(record, destination.ToSocks(), payload.Length, out int header))
            {
                throw new CulvertException(FailureKind.NameNotFound, "A datagram's name is too long for SOCKS5.");
            }

            payload.CopyTo(record.AsMemory(header));
            await WriteAsync(record.AsMemory(0, header + payload.Length), cancellation).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(record);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        if (buffer.IsEmpty)
        {
            await _connection.ReadAsync(buffer, cancellation).ConfigureAwait(false);
            return default;
        }

        while (true)
        {
            ReadOnlyMemory<byte> buffered = _connection.Buffered;
            switch (SocksDatagram.TryParseTcp(buffered.Span, out SocksAddress from, out int header, out int length))
            {
                case ParseStatus.Done when buffered.Length >= header + length:
                    int count = Math.Min(length, buffer.Length);
                    buffered.Slice(header, count).CopyTo(buffer);
                    _connection.Consume(header + length);
                    return new ReceivedDatagram(count, from.ToDestination());
                case ParseStatus.Malformed:
                    _connection.Abort();
                    throw new CulvertException(FailureKind.Protocol, "The UDP association failed: the far side frames datagrams in a way nobody knows.");
                default:
                    break;
            }

            if (!await _connection.FillAsync(SocksDatagram.MaxHeader + ushort.MaxValue, cancellation).ConfigureAwait(false))
            {
                throw new CulvertException(FailureKind.Reset, "The UDP association failed: the far side ended it.");
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        // Not DisposeAsync: a receive may be under way in the connection's buffer. It ends by this.
        _connection.Abort();
        return ValueTask.CompletedTask;
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> record, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return;
        }

        try
        {
            await _writing.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                // Not cancelled half-way: the next record would begin in the middle of this one.
                await _connection.WriteAsync(new ReadOnlySequence<byte>(record), CancellationToken.None).ConfigureAwait(false);
            }
            finally
            {
                _writing.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
