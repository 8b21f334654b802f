using System;
using System.Collections.Generic;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Flows;
using Culvert.Platform.Links;

namespace Culvert.Entries.Tun;

/// <summary>
/// The datagrams between a flow and a plain socket, driven by the link's own loop: many a call, without a task or an allocation for any. What the socket
/// refuses goes the portable way, which knows what to tell the application.
/// </summary>
internal sealed class UdpPump : ILinkSocketUser, IDisposable
{
    // Messages and bytes received before the others on this loop have their turn.
    private const int ShareMessages = 64;
    private const int ShareBytes = 256 * 1024;

    // Runs from so many bytes on are handed on in the block they came in; a block holds as much memory for less.
    private const int WorthABlock = 16 * 1024;

    // Failures of the socket in a row, none of them explained, before it counts as broken.
    private const int MaxFailures = 16;

    private readonly TunContext _context;
    private readonly UdpPath _path;
    private readonly ISocketAssociation _association;
    private readonly LinkDatagramSocket _socket;
    private readonly Queue<Waiting> _waiting = new();
    private bool _asked;
    private bool _waitsForTurn;
    private bool _ended;
    private int _failures;

    /// <summary>Takes <paramref name="socket"/> over and begins to receive.</summary>
    public UdpPump(TunContext context, UdpPath path, ISocketAssociation association, Socket socket)
    {
        _context = context;
        _path = path;
        _association = association;
        _socket = new LinkDatagramSocket(socket);
        try
        {
            context.Sockets!.Watch(_socket, this);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Blocks that wait for the socket.</summary>
    public int WaitingCount => _waiting.Count;

    /// <summary>Sends a datagram, or a run of them, at the end of the loop's turn; ownership of <paramref name="payload"/> moves here.</summary>
    public void Send(IpEndpoint to, Destination destination, PacketBuffer payload)
    {
        _context.WaitingBytes += payload.Capacity;
        _waiting.Enqueue(new Waiting(to, destination, payload));
        if (!_asked)
        {
            _asked = true;
            _context.Datagrams.AskToSend(this);
        }
        else if (_waiting.Count == _context.Options.MaxWaitingDatagrams)
        {
            SendWaiting();
        }
    }

    /// <summary>It has been asked for at the end of the turn.</summary>
    public void SendAll()
    {
        _asked = false;
        SendWaiting();
    }

    /// <summary>Goes on with what its share has cut short.</summary>
    public void TakeTurn()
    {
        _waitsForTurn = false;
        Receive();
    }

    /// <inheritdoc/>
    public void Ready(bool readable, bool writable, bool failed)
    {
        if (_ended)
        {
            return;
        }

        if (failed)
        {
            TakeErrors();
        }

        if (readable && !_waitsForTurn)
        {
            Receive();
        }

        if (writable && _socket.AwaitsRoom && !_ended)
        {
            AwaitRoom(false);
            SendWaiting();
        }
    }

    /// <summary>Closes the socket; what waits is dropped.</summary>
    public void Dispose()
    {
        _ended = true;
        _context.Sockets!.Unwatch(_socket);
        _socket.Dispose();
        while (_waiting.TryPeek(out Waiting next))
        {
            Remove(next);
        }
    }

    private void SendWaiting()
    {
        DatagramSender sender = _context.Datagrams.Sender;
        bool again = false;
        while (_waiting.Count > 0 && !_socket.AwaitsRoom && !_ended)
        {
            sender.Begin(_socket);
            if (!Fill(sender))
            {
                // A name that is not resolved yet, or no way to there.
                SendPortably(_waiting.Peek().Payload.Length);
                continue;
            }

            int sent = sender.Send();
            if (sent == LinkSocket.WouldBlock)
            {
                AwaitRoom(true);
            }
            else if (sent > 0)
            {
                again = false;
                for (int i = 0; i < sent; i++)
                {
                    Sent(sender.Datagrams(i));
                }
            }
            else if (!again)
            {
                // Perhaps an error that the network had told of another datagram.
                TakeErrors();
                again = true;
            }
            else if (sent == DatagramSender.NotCut)
            {
                _socket.MaxSegment = sender.SegmentSize(0);
            }
            else
            {
                SendPortably(Step(_waiting.Peek().Payload));
            }
        }
    }

    // False when the first that waits cannot be addressed.
    private bool Fill(DatagramSender sender)
    {
        Span<byte> head = stackalloc byte[DatagramSender.MaxHead];
        Destination last = default;
        bool any = false;
        foreach (Waiting waiting in _waiting)
        {
            if (!any || waiting.Destination != last)
            {
                last = waiting.Destination;
                if (!_association.TryAddress(last, head, out IpEndpoint to, out int headLength) || !sender.TryAddress(to, head[..headLength]))
                {
                    return any;
                }
            }

            PacketBuffer payload = waiting.Payload;
            int step = Step(payload);
            int done = 0;
            do
            {
                int length = Math.Min(step, payload.Length - done);
                if (!sender.TryAdd(payload, payload.Start + done, length))
                {
                    return true;
                }

                any = true;
                done += length;
            }
            while (done < payload.Length);
        }

        return any;
    }

    // Takes datagrams that have gone from the front.
    private void Sent(int datagrams)
    {
        while (datagrams > 0)
        {
            Waiting first = _waiting.Peek();
            int taken = 0;
            do
            {
                taken += Math.Min(Step(first.Payload), first.Payload.Length - taken);
                datagrams--;
            }
            while (datagrams > 0 && taken < first.Payload.Length);
            Advance(first, taken);
        }

        _path.Touch();
    }

    // Gives the first bytes that wait, of one block, to the association's own way of sending.
    private void SendPortably(int length)
    {
        Waiting first = _waiting.Peek();
        PacketBuffer payload = first.Payload;
        payload.AddReference();
        _path.SendPortably(first.To, first.Destination, payload, payload.Memory[..length], Step(payload));
        Advance(first, length);
    }

    private void Advance(in Waiting first, int length)
    {
        PacketBuffer payload = first.Payload;
        if (length >= payload.Length)
        {
            Remove(first);
        }
        else
        {
            payload.Start += length;
            payload.Length -= length;
        }
    }

    private void Remove(in Waiting first)
    {
        _waiting.Dequeue();
        _context.WaitingBytes -= first.Payload.Capacity;
        first.Payload.Release();
    }

    private static int Step(PacketBuffer payload) => payload.Offload.SegmentSize != 0 ? payload.Offload.SegmentSize : payload.Length;

    private void Receive()
    {
        DatagramReceiver receiver = _context.Datagrams.Receiver;
        int messages = 0, bytes = 0;
        while (!_ended)
        {
            if (messages >= ShareMessages || bytes >= ShareBytes)
            {
                _waitsForTurn = true;
                _context.Datagrams.AskForTurn(this);
                return;
            }

            int count = receiver.Receive(_socket);
            if (count < 0)
            {
                if (!TakeErrors() && ++_failures == MaxFailures)
                {
                    _path.Close();
                    return;
                }

                messages++;
                continue;
            }

            _failures = 0;
            for (int i = 0; i < count; i++)
            {
                bytes += receiver.Bytes(i).Length;
                Deliver(receiver, i);
            }

            messages += count;
            if (count < DatagramReceiver.MaxMessages)
            {
                return; // what comes behind is told
            }
        }
    }

    private void Deliver(DatagramReceiver receiver, int index)
    {
        IpEndpoint sender = receiver.Sender(index);
        ReadOnlySpan<byte> message = receiver.Bytes(index);
        int size = receiver.SegmentSize(index);
        if (size != 0 && message.Length >= WorthABlock && _association.TryReadHead(sender, message[..size], out DatagramSource source) && source.Head == 0)
        {
            // A run as it came, from one sender to one flow: nothing is copied.
            _path.Deliver(source, receiver.Take(index), size);
            return;
        }

        do
        {
            ReadOnlySpan<byte> datagram = message[..(size == 0 ? message.Length : Math.Min(size, message.Length))];
            message = message[datagram.Length..];
            if (_association.TryReadHead(sender, datagram, out source))
            {
                _path.Deliver(source, datagram[source.Head..]);
            }
        }
        while (!message.IsEmpty);
    }

    // False when there was none.
    private bool TakeErrors()
    {
        bool any = false;
        while (_socket.TryReadError(out IpEndpoint destination, out FailureKind? kind))
        {
            any = true;
            if (kind is { } told && _association.TryReadHead(destination, default, out DatagramSource source))
            {
                _path.Refuse(source, told);
            }
        }

        return any;
    }

    private void AwaitRoom(bool await)
    {
        _context.Sockets!.Unwatch(_socket);
        _socket.AwaitsRoom = await;
        _context.Sockets.Watch(_socket, this);
    }

    private readonly record struct Waiting(IpEndpoint To, Destination Destination, PacketBuffer Payload);
}
