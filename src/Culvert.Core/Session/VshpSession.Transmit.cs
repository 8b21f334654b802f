using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>Frames to bytes for the transport, as late as possible and in the order that serves all.</summary>
public sealed partial class VshpSession
{
    /// <summary>Bytes handed to the transport at a time.</summary>
    public const int TransmitBudget = 64 << 10;

    private readonly FrameLog _log;
    private readonly Turns _turns = new();
    private readonly OutputChain _chain = new();
    private readonly List<PacketBuffer> _transit = []; // blocks being handed out that the log does not hold
    private readonly Queue<(uint Id, VshpReason Reason)> _refusals = new();
    private readonly Queue<PacketBuffer> _control = new();
    private Numbered? _firstWaiting;
    private Numbered? _lastWaiting;
    private PacketBuffer? _scratch;
    private Hello? _greeting;
    private Resume? _resume;
    private GoAway? _goAway;
    private bool _resumedDue;
    private bool _endDue;
    private bool _pongDue;
    private bool _statsDue;
    private bool _statsAsked;
    private bool _statsRaised;
    private bool _windowDue;
    private bool _inTransit;
    private long _pong;
    private long _sendLimit; // bytes of DATA over all streams
    private long _dataSent;
    private long _queuedBytes; // written to streams and not yet framed
    private int _controlWaiting;
    private int _growth;

    /// <summary>
    /// What to send now: whole frames, some 64 KiB at most; empty for nothing, and while what was given before is not <see cref="Transmitted"/>. To be sent in full and in order. Ask
    /// again after every call of anything else.
    /// </summary>
    public ReadOnlySequence<byte> Transmit(long now)
    {
        if (_inTransit || _state == SessionState.Detached)
        {
            return ReadOnlySequence<byte>.Empty;
        }

        AddGreeting();
        if (_state == SessionState.Attached)
        {
            AddSigns(now);
            AddFrames(now);
            AddAck();
        }

        AddEnd();
        if (_scratch is not null)
        {
            _transit.Add(_scratch);
            _scratch = null;
        }

        _inTransit = _chain.Length > 0;
        return _chain.Bytes;
    }

    /// <summary>The transport has taken what <see cref="Transmit"/> gave, or never will: its memory is free again.</summary>
    public void Transmitted(long now)
    {
        _inTransit = false;
        _chain.Clear();
        foreach (PacketBuffer block in _transit)
        {
            block.Release();
        }

        _transit.Clear();
        if (!CanResume && !IsOver)
        {
            _log.TryAcknowledge(_log.Handed);
        }

        _log.Settle();
    }

    /// <summary>Sends a control message; false where as many wait as may, or it is too long for a frame.</summary>
    public bool SendControl(ushort kind, ReadOnlySpan<byte> body)
    {
        if (body.Length + 2 > FrameHeader.MaxPayload || IsOver)
        {
            return false;
        }

        PacketBuffer message = Pool.Rent(2 + body.Length);
        if (_controlWaiting + message.Capacity > Options.MaxControlBytes)
        {
            message.Release();
            return false;
        }

        BinaryPrimitives.WriteUInt16BigEndian(message.Array, kind);
        body.CopyTo(message.Array.AsSpan(2));
        message.Length = 2 + body.Length;
        _controlWaiting += message.Capacity;
        _control.Enqueue(message);
        return true;
    }

    /// <summary>Asks for the other side's figures, and tells ours.</summary>
    public void AskStats() => (_statsDue, _statsAsked) = (true, true);

    /// <summary>Bytes that a stream may still be given to send, which has so many waiting.</summary>
    internal int RoomToWrite(int waiting) =>
        _queuedBytes < Options.MaxSendBuffers ? Options.SendBuffer - waiting
        : waiting == 0 ? PacketPool.SmallSize
        : 0;

    internal void Queued(int bytes) => _queuedBytes += bytes;

    internal void WantsTurn(VshpStream stream) => _turns.Add(stream);

    /// <summary>It has something to say besides data.</summary>
    internal void Line(Numbered numbered)
    {
        if (numbered.IsInLine || IsOver)
        {
            return;
        }

        numbered.IsInLine = true;
        if (_lastWaiting is null)
        {
            _firstWaiting = numbered;
        }
        else
        {
            _lastWaiting.NextWaiting = numbered;
        }

        _lastWaiting = numbered;
    }

    private bool TryTakeFromLine(out Numbered? numbered)
    {
        numbered = _firstWaiting;
        if (numbered is null)
        {
            return false;
        }

        _firstWaiting = numbered.NextWaiting;
        _lastWaiting = _firstWaiting is null ? null : _lastWaiting;
        numbered.NextWaiting = null;
        numbered.IsInLine = false;
        return true;
    }

    /// <summary>The session is over: nothing of what waits is said any more.</summary>
    private void DropLine()
    {
        while (TryTakeFromLine(out Numbered? numbered))
        {
            (numbered as VshpQuestion)?.DropOutgoing();
        }

        while (_control.TryDequeue(out PacketBuffer? message))
        {
            message.Release();
        }

        _refusals.Clear();
    }

    private void Refuse(uint id, VshpReason reason)
    {
        _refusals.Enqueue((id, reason));
        if (_refusals.Count > Options.MaxRefusals)
        {
            Stop(VshpReason.LimitReached, "More was asked for than refusals were read.", tell: true);
        }
    }

    private void AddGreeting()
    {
        if (_greeting is { } hello)
        {
            Span<byte> payload = stackalloc byte[Hello.MaxSize];
            Add(FrameType.Hello, FrameFlags.None, payload[..hello.Write(payload)]);
            _greeting = null;
        }

        if (_resume is { } resume)
        {
            Span<byte> payload = stackalloc byte[Resume.Size];
            Add(FrameType.Resume, FrameFlags.None, payload[..resume.Write(payload)]);
            _resume = null;
        }

        if (_resumedDue)
        {
            _resumedDue = false;
            AddNumber(FrameType.Resumed, _received);
            NoteAcknowledged();
        }
    }

    private void AddSigns(long now)
    {
        if (_pongDue)
        {
            _pongDue = false;
            AddNumber(FrameType.Pong, _pong);
        }

        if (_pingDue || WantsRoundTrip(now))
        {
            AddNumber(FrameType.Ping, NextPing(now));
        }

        if (_statsDue)
        {
            _statsDue = false;
            Span<byte> payload = stackalloc byte[VshpStats.Size];
            MakeStats(now).Write(payload);
            Add(FrameType.Stats, _statsAsked ? FrameFlags.Ask : FrameFlags.None, payload);
            _statsAsked = false;
        }
    }

    private void AddFrames(long now)
    {
        // What goes out again comes first, but leaves room for datagrams, which would be late otherwise.
        Hand(TransmitBudget / 2, now);
        FrameControl(now);
        Hand(TransmitBudget / 2, now);
        while (_chain.Length < TransmitBudget * 3 / 4 && _outgoing.TryDequeue(out PacketBuffer? datagram))
        {
            _outgoingBytes -= datagram.Capacity;
            _transit.Add(datagram);
            _chain.Add(datagram.Array, datagram.Start, datagram.Length);
            Counters.DatagramsSent++;
            NoteSent(now);
        }

        Hand(TransmitBudget, now);
        FrameControl(now); // no data may overtake the OPEN of its stream
        Hand(TransmitBudget, now);
        while (!_log.HasUnsent && _chain.Length < TransmitBudget && FrameData())
        {
            Hand(TransmitBudget, now);
        }
    }

    private void Hand(int until, long now)
    {
        while (_chain.Length < until && _log.TryHand(_chain))
        {
            Counters.FramesSent++;
            NoteSent(now);
        }
    }

    /// <summary>Frames all that waits besides data. Each of these is small, or there are few of them.</summary>
    private void FrameControl(long now)
    {
        if (_log.HasUnsent)
        {
            return;
        }

        while (HasLogRoom && _refusals.TryDequeue(out (uint Id, VshpReason Reason) refusal))
        {
            BinaryPrimitives.WriteUInt16BigEndian(_log.Append(new FrameHeader(FrameType.Refused, 0, 2, refusal.Id)), (ushort)refusal.Reason);
        }

        if (_windowDue && HasLogRoom)
        {
            _windowDue = false;
            _window.Renew(now, RoundTrip, Options.MaxSessionWindow - _window.Size);
            BinaryPrimitives.WriteInt64BigEndian(_log.Append(new FrameHeader(FrameType.Window, 0, 8, 0)), _window.Limit);
        }

        while (HasLogRoom && TryTakeFromLine(out Numbered? numbered))
        {
            numbered!.Frame(_log, now);
        }

        while (HasLogRoom && _control.TryDequeue(out PacketBuffer? message))
        {
            message.Span.CopyTo(_log.Append(new FrameHeader(FrameType.Control, 0, (ushort)message.Length, 0)));
            _controlWaiting -= message.Capacity;
            message.Release();
        }

        if (_goAway is { } goAway && HasLogRoom)
        {
            Span<byte> payload = stackalloc byte[Session.GoAway.MaxSize];
            int length = goAway.Write(payload);
            payload[..length].CopyTo(_log.Append(new FrameHeader(FrameType.GoAway, 0, (ushort)length, 0)));
            _goAway = null;
        }
    }

    private bool HasLogRoom => _log.Charge < Options.MaxUnacknowledged;

    /// <summary>Frames some of the data of the stream whose turn it is; false where there is none, or no window.</summary>
    private bool FrameData()
    {
        long most = Math.Min(Turns.MaxData, _sendLimit - _dataSent);
        if (most <= 0 || !HasLogRoom || _turns.Next() is not { } stream)
        {
            return false;
        }

        int length = stream.FrameData(_log, (int)Math.Min(most, stream.Deficit));
        stream.Deficit -= length;
        _dataSent += length;
        Counters.BytesSent += length;
        return true;
    }

    private void AddAck()
    {
        if (CanResume && _received > _acknowledged && (_ackDue || _chain.Length > 0))
        {
            AddNumber(FrameType.Ack, _received);
            NoteAcknowledged();
        }
    }

    private void AddEnd()
    {
        if (_endDue)
        {
            _endDue = false;
            Span<byte> payload = stackalloc byte[Ending.MaxSize];
            Add(FrameType.End, FrameFlags.None, payload[..new Ending(EndReason, EndText).Write(payload)]);
        }
    }

    private void AddNumber(FrameType type, long number)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(payload, number);
        Add(type, FrameFlags.None, payload);
    }

    /// <summary>A passing frame of ours; all that can come together fits a small block.</summary>
    private void Add(FrameType type, byte flags, ReadOnlySpan<byte> payload)
    {
        _scratch ??= Pool.Rent(PacketPool.SmallSize);
        int start = _scratch.Length;
        new FrameHeader(type, flags, (ushort)payload.Length, 0).Write(_scratch.Array.AsSpan(start));
        payload.CopyTo(_scratch.Array.AsSpan(start + FrameHeader.Size));
        _scratch.Length += FrameHeader.Size + payload.Length;
        _chain.Add(_scratch.Array, start, FrameHeader.Size + payload.Length);
    }

    private VshpStats MakeStats(long now) => new(
        (now - _startedAt) / 1_000_000, OpenFlows, (_lastOurs + 1) / 2 + ((_lastTheirs + 1) / 2), Counters.BytesSent, Counters.BytesReceived,
        Counters.DatagramsSent, Counters.DatagramsReceived, Counters.DatagramsDropped, Counters.Resumes);
}
