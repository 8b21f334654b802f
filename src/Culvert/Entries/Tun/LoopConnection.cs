using System;
using System.Buffers;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// A socket of the loop as a connection: what an exit shakes hands over, until <see cref="Detach"/> gives the socket to a pump. May be used from any
/// thread; who comes from another is brought to the loop's.
/// </summary>
internal sealed class LoopConnection : IConnection, ILinkSocketUser
{
    private readonly LinkLoop _loop;
    private readonly ISocketWatcher _watcher;
    private readonly LinkSocket _socket;
    private readonly string _what;
    private readonly LoopSignal _readable = new();
    private readonly LoopSignal _writable = new();
    private bool _readFinished;
    private bool _writeFinished;
    private bool _isOver;

    /// <summary>Takes over <paramref name="socket"/>; <paramref name="what"/> starts the sentences about its failures.</summary>
    public LoopConnection(LinkLoop loop, ISocketWatcher watcher, LinkSocket socket, string what)
    {
        _loop = loop;
        _watcher = watcher;
        _socket = socket;
        _what = what;
        watcher.Watch(socket, this);
    }

    /// <summary>Returns when it has connected, throws when it could not.</summary>
    public async ValueTask ConnectedAsync(CancellationToken cancellation)
    {
        await WaitAsync(_writable, static s => s.IsWritable, cancellation);
        if (_socket.TakeError() is not SocketError.Success and SocketError error)
        {
            throw Failure(error);
        }
    }

    /// <summary>Hands the socket over, watched as it is; this connection is over.</summary>
    public LinkSocket Detach()
    {
        _isOver = true;
        _socket.User = null;
        return _socket;
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        await _loop.Turn;
        while (true)
        {
            await WaitAsync(_readable, static s => s.IsReadable, cancellation);
            if (buffer.IsEmpty)
            {
                return 0;
            }

            switch (_socket.Receive(buffer.Span))
            {
                case LinkSocket.WouldBlock:
                    break;
                case LinkSocket.Failed:
                    throw Failure(_socket.TakeError());
                case 0:
                    _readFinished = true;
                    return 0;
                case int count:
                    return count;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlySequence<byte> data, CancellationToken cancellation = default)
    {
        await _loop.Turn;
        while (!data.IsEmpty)
        {
            await WaitAsync(_writable, static s => s.IsWritable, cancellation);
            switch (_socket.Send(data))
            {
                case LinkSocket.WouldBlock:
                    break;
                case LinkSocket.Failed:
                    throw Failure(_socket.TakeError());
                case long sent:
                    data = data.Slice(sent);
                    break;
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask FinishAsync(CancellationToken cancellation = default)
    {
        await _loop.Turn;
        ThrowIfOver();
        if (!_writeFinished)
        {
            _writeFinished = true;
            _socket.Finish();
        }
    }

    /// <inheritdoc/>
    public void Abort() => _loop.Run(static connection => ((LoopConnection)connection!).Close(reset: true), this);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _loop.Run(static c => Close((LoopConnection)c!), this);
        return ValueTask.CompletedTask;

        static void Close(LoopConnection connection) => connection.Close(reset: !(connection._readFinished && connection._writeFinished));
    }

    /// <inheritdoc/>
    public void Ready(bool readable, bool writable, bool failed)
    {
        if (readable)
        {
            _readable.Wake();
        }

        if (writable)
        {
            _writable.Wake();
        }
    }

    private void Close(bool reset)
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        if (reset)
        {
            _socket.ResetOnClose();
        }

        _watcher.Unwatch(_socket);
        _socket.Dispose();
        _readable.Wake();
        _writable.Wake();
    }

    private async ValueTask WaitAsync(LoopSignal signal, Func<LinkSocket, bool> isReady, CancellationToken cancellation)
    {
        ThrowIfOver();
        if (isReady(_socket))
        {
            return;
        }

        // The token may be cancelled by any thread; the signal belongs to the loop's.
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(
            static state =>
            {
                (LinkLoop loop, LoopSignal signal) = ((LinkLoop, LoopSignal))state!;
                loop.Run(static s => ((LoopSignal)s!).Wake(), signal);
            },
            (_loop, signal));
        while (!isReady(_socket))
        {
            cancellation.ThrowIfCancellationRequested();
            await signal;
            ThrowIfOver();
        }
    }

    private void ThrowIfOver()
    {
        if (_isOver)
        {
            throw Failure(SocketError.OperationAborted);
        }
    }

    private Core.CulvertException Failure(SocketError error) => SocketFailures.ToFailure(new SocketException((int)error), _what);
}
