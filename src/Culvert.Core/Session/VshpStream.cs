using System;
using System.Buffers;
using System.Buffers.Binary;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>
/// One connection to <see cref="Destination"/> through the session: a byte stream each way, finished each way on its own. Bytes of the other side wait in <see cref="Received"/>; bytes for it
/// are written into <see cref="GetMemory"/>. Once it is over, calls that would send do nothing.
/// </summary>
public sealed partial class VshpStream : VshpFlow
{
    /// <summary>A slow reader does not tell of every byte it has read.</summary>
    private const int LeastRenewal = 4_096;

    private readonly ReadQueue _received;
    private readonly WriteQueue _queue;
    private ReceiveWindow _window;
    private int _growth; // bytes by which the window has grown
    private bool _finishing;
    private bool _finFramed;
    private bool _wantsToWrite;

    internal VshpStream(VshpSession session, uint id, bool isOurs, VshpDestination destination, long now)
        : base(session, id, isOurs)
    {
        Destination = destination;
        _received = new ReadQueue(session.Pool, session.Blocks);
        _queue = new WriteQueue(session.Pool);
        _window = new ReceiveWindow(session.Options.StreamWindow, Math.Min(LeastRenewal, session.Options.StreamWindow / 2), now);
        SendLimit = session.PeerStreamWindow;
    }

    /// <summary>Where it goes.</summary>
    public VshpDestination Destination { get; }

    /// <summary>Bytes that came and were not yet consumed; still there when the stream is over.</summary>
    public ReadOnlySequence<byte> Received => _received.Bytes;

    /// <summary>The other side has finished: nothing comes behind <see cref="Received"/>.</summary>
    public bool ReceiveFinished { get; private set; }

    /// <summary>Bytes unread that the other side may have here.</summary>
    internal int WindowSize => _window.Size;

    private bool CanWrite => !IsOver && !_finishing && (IsOurs || IsOpened);

    /// <inheritdoc/>
    public override void Refuse(VshpReason reason)
    {
        CloseRefused(reason);
        Release();
    }

    /// <summary>Gives back the first <paramref name="count"/> bytes of <see cref="Received"/>; only now may the other side send as many more.</summary>
    public void Consume(long count)
    {
        _received.Consume(count);
        Session.Consumed(count);
        if (!IsOver && !ReceiveFinished)
        {
            _window.Consume(count);
            if (_window.IsDue)
            {
                Pend(Pending.Window);
            }
        }
    }

    /// <summary>
    /// Room for bytes to send, at most 64 KiB; empty where as much waits as may (an event Writable follows when there is room), before <see cref="VshpFlow.Accept"/>, behind <see cref="Finish"/>, and
    /// when it is over. One block is lent at a time: asking again before <see cref="Advance"/> lends the same.
    /// </summary>
    public Memory<byte> GetMemory()
    {
        if (!_queue.IsLent && !CanWrite)
        {
            return default;
        }

        int room = Session.RoomToWrite(_queue.Length);
        if (room <= 0 && !_queue.IsLent)
        {
            _wantsToWrite = true;
            return default;
        }

        return _queue.Lend(Math.Max(room, 1), large: room > PacketPool.SmallSize);
    }

    /// <summary>The first <paramref name="count"/> bytes of what is lent are to be sent; 0 gives it back.</summary>
    public void Advance(int count)
    {
        _queue.Commit(count);
        if (!CanWrite)
        {
            _queue.Clear();
            return;
        }

        Session.Queued(count);
        if (count > 0)
        {
            Session.WantsTurn(this);
        }
    }

    /// <summary>No more bytes to send: FIN behind what is written.</summary>
    public void Finish()
    {
        if (CanWrite)
        {
            _finishing = true;
            if (_queue.Length == 0)
            {
                Pend(Pending.Fin); // no window is needed for it, so it must not wait for a turn behind data that has none
            }
        }
    }

    /// <summary>Ends both ways at once; what is written and not yet framed is dropped. No event follows.</summary>
    public void Reset(VshpReason reason) => CloseReset(reason);

    /// <summary>
    /// The user is done. An open stream is reset, and so is one with bytes unread, since their sender believes them read; one that is finishing goes on by itself. No event follows.
    /// </summary>
    public void Release()
    {
        if (!MarkReleased())
        {
            return;
        }

        bool unread = _received.Length > 0;
        Discard();
        if (_queue.IsLent)
        {
            _queue.Commit(0);
        }

        if (!IsOver && (!_finishing || unread))
        {
            Reset(VshpReason.Cancelled);
        }

        Session.Released(this);
    }

    internal override void Frame(FrameLog log, long now)
    {
        Pending waiting = Waiting;
        Waiting = Pending.None;
        if ((waiting & Pending.Asking) != 0)
        {
            int size = Destination.Size;
            Destination.Write(log.Append(new FrameHeader(FrameType.Open, 0, (ushort)size, Id)));
        }

        FrameAnswer(log, waiting);
        if ((waiting & Pending.Fin) != 0)
        {
            log.Append(new FrameHeader(FrameType.Data, FrameFlags.Fin, 0, Id));
            _finFramed = true;
        }

        if (!FrameEnd(log, waiting) && (waiting & Pending.Window) != 0 && !IsOver && !ReceiveFinished)
        {
            int growth = _window.Renew(now, Session.RoundTrip, Session.RoomToGrow(_window.Size));
            Session.Grew(growth);
            _growth += growth;
            BinaryPrimitives.WriteInt64BigEndian(log.Append(new FrameHeader(FrameType.Window, 0, 8, Id)), _window.Limit);
        }

        CloseIfFinished();
    }

    private protected override void OnClosed()
    {
        Session.Grew(-_growth);
        Session.Queued(-_queue.Length);
        _queue.Clear();
        Waiting &= Pending.Asking | Pending.Answer;
    }

    private void Discard()
    {
        if (_received.Length > 0)
        {
            Consume(_received.Length);
        }
    }
}
