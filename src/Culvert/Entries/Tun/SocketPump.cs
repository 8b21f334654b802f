using System;
using System.Buffers;
using Culvert.Core.Stack;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// The relay between a flow and a plain socket, driven by the link's own loop: what the loop hears of either is answered by calls that never
/// block, so no byte changes threads and nothing is allocated. Every other connection has a <see cref="StreamPump"/>.
/// </summary>
internal sealed class SocketPump : IFlowPump, ILinkSocketUser
{
    // Bytes moved in one direction before the others on this loop have their turn.
    private const int Share = 512 * 1024;

    private readonly TunContext _context;
    private readonly TcpFlow _flow;
    private readonly LinkSocket _socket;
    private bool _ended;
    private bool _sentAll;
    private bool _receivedAll;
    private bool _sendFailed;
    private bool _waitsForTurn;

    public SocketPump(TunContext context, TcpFlow flow, LinkSocket socket)
    {
        _context = context;
        _flow = flow;
        _socket = socket;
        socket.User = this;
    }

    /// <inheritdoc/>
    public LoopSignal Over { get; } = new();

    /// <inheritdoc/>
    public bool HasFailed { get; private set; }

    /// <inheritdoc/>
    public bool IsHalfClosed => _sentAll || _receivedAll;

    /// <inheritdoc/>
    public long LastActive { get; private set; } = LinkLoop.Now;

    /// <inheritdoc/>
    public void Start()
    {
        Upload();
        Download();
    }

    /// <inheritdoc/>
    public void Ready(bool readable, bool writable, bool failed)
    {
        // Reading first: a far side that answers and resets has its answer taken before a write fails.
        if (readable)
        {
            Download();
        }

        if (writable)
        {
            Upload();
        }

        if (failed && _receivedAll)
        {
            Fail(); // nothing would be read any more that could tell
        }
    }

    /// <summary>Goes on with what <see cref="Share"/> has cut short.</summary>
    public void TakeTurn()
    {
        _waitsForTurn = false;
        Upload();
        Download();
    }

    /// <inheritdoc/>
    public void Upload()
    {
        long moved = 0;
        while (_socket.IsWritable && !_sentAll && !_sendFailed && !_ended)
        {
            ReadOnlySequence<byte> received = _flow.Received;
            if (received.IsEmpty)
            {
                if (_flow.ReceiveFinished)
                {
                    _socket.Finish();
                    _sentAll = true;
                    CheckOver();
                }

                return;
            }

            if (moved >= Share)
            {
                AskForTurn();
                return;
            }

            long sent = _socket.Send(received);
            if (sent > 0)
            {
                moved += sent;
                LastActive = LinkLoop.Now;
                _flow.Consume(sent, LastActive);
            }
            else if (sent == LinkSocket.Failed)
            {
                // What the far side sent before it was gone is taken first. The failure is told once, so the end of that looks like a FIN.
                _sendFailed = true;
                if (_receivedAll)
                {
                    Fail();
                }
                else
                {
                    Download();
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Download()
    {
        int moved = 0;
        while ((_socket.IsReadable || _sendFailed) && !_receivedAll && !_ended)
        {
            if (moved >= Share)
            {
                AskForTurn();
                return;
            }

            Memory<byte> room = _flow.GetMemory();
            if (room.IsEmpty)
            {
                return; // a TcpWritable event goes on from here
            }

            int count = _socket.Receive(room.Span);
            LastActive = LinkLoop.Now;
            _flow.Advance(Math.Max(0, count), LastActive);
            if (count > 0)
            {
                moved += count;
            }
            else if (_sendFailed || count == LinkSocket.Failed)
            {
                Fail();
            }
            else if (count == 0)
            {
                _flow.Finish(LastActive);
                _receivedAll = true;
                CheckOver();
            }
        }
    }

    /// <inheritdoc/>
    public void Abort() => Fail();

    /// <inheritdoc/>
    public void Close()
    {
        _ended = true;
        _context.Sockets!.Unwatch(_socket);
        if (!_sentAll || !_receivedAll || HasFailed)
        {
            _socket.ResetOnClose();
        }

        _socket.Dispose();
    }

    private void Fail()
    {
        if (!_ended)
        {
            HasFailed = true;
            _ended = true;
            Over.Set();
        }
    }

    private void CheckOver()
    {
        if (_sentAll && _receivedAll && !_ended)
        {
            _ended = true;
            Over.Set();
        }
    }

    private void AskForTurn()
    {
        if (!_waitsForTurn)
        {
            _waitsForTurn = true;
            _context.AskForTurn(this);
        }
    }
}
