using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Culvert.Flows;

/// <summary>A connected stream socket (TCP, or Unix) as a connection.</summary>
internal sealed class SocketConnection : IConnection
{
    private readonly string _what;
    private GatherSend? _gather;
    private bool _readFinished;
    private bool _writeFinished;
    private int _closed;

    /// <summary>Takes over <paramref name="socket"/>; <paramref name="what"/> starts the sentences about its failures.</summary>
    public SocketConnection(Socket socket, string what)
    {
        Socket = socket;
        _what = what;
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            socket.NoDelay = true;
        }
    }

    /// <summary>The socket itself, for those who can do better with it than read and write.</summary>
    internal Socket Socket { get; }

    /// <summary>Whom it is connected to, when the system still knows.</summary>
    internal EndPoint? RemoteEndPoint
    {
        get
        {
            try
            {
                return Socket.RemoteEndPoint;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return null;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        try
        {
            int count = await Socket.ReceiveAsync(buffer, SocketFlags.None, cancellation).ConfigureAwait(false);
            if (count == 0 && buffer.Length > 0)
            {
                _readFinished = true;
            }

            return count;
        }
        catch (Exception e) when (SocketFailures.TryToFailure(e, _what) is { } failure)
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
                await SendAsync(data.First, cancellation).ConfigureAwait(false);
            }
            else
            {
                await SendAsync(data, cancellation).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (SocketFailures.TryToFailure(e, _what) is { } failure)
        {
            cancellation.ThrowIfCancellationRequested();
            throw failure;
        }
    }

    /// <inheritdoc/>
    public ValueTask FinishAsync(CancellationToken cancellation = default)
    {
        try
        {
            if (!_writeFinished)
            {
                _writeFinished = true;
                Socket.Shutdown(SocketShutdown.Send);
            }

            return ValueTask.CompletedTask;
        }
        catch (Exception e) when (SocketFailures.TryToFailure(e, _what) is { } failure)
        {
            return ValueTask.FromException(failure);
        }
    }

    /// <inheritdoc/>
    public void Abort() => Close(reset: true);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Close(reset: !(_readFinished && _writeFinished));
        return ValueTask.CompletedTask;
    }

    private void Close(bool reset)
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        try
        {
            if (reset)
            {
                Socket.LingerState = new LingerOption(true, 0);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Somebody was quicker: there is nothing left to reset.
        }

        Socket.Dispose();
        _gather?.Dispose();
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        while (data.Length > 0)
        {
            data = data[await Socket.SendAsync(data, SocketFlags.None, cancellation).ConfigureAwait(false)..];
        }
    }

    private async ValueTask SendAsync(ReadOnlySequence<byte> data, CancellationToken cancellation)
    {
        // A gathering send knows no token; a send that was given up half-way leaves nothing to go on with anyway.
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(static c => ((SocketConnection)c!).Abort(), this);
        GatherSend gather = _gather ??= new GatherSend();
        try
        {
            while (!data.IsEmpty)
            {
                long sent = gather.Load(data);
                if (sent == 0)
                {
                    ReadOnlyMemory<byte> first = data.First;
                    await SendAsync(first, cancellation).ConfigureAwait(false);
                    sent = first.Length;
                }
                else
                {
                    sent = await gather.SendAsync(Socket).ConfigureAwait(false);
                }

                data = data.Slice(sent);
            }
        }
        finally
        {
            if (Volatile.Read(ref _closed) == 0)
            {
                gather.Unload();
            }
        }
    }
}
