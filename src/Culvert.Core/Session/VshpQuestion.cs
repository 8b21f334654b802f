using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>
/// A DNS message and its answer. On the asking side <see cref="Message"/> is the answer, once it is over with <see cref="VshpReason.None"/>; on the answering side it is the question.
/// </summary>
public sealed class VshpQuestion : Numbered
{
    /// <summary>Bytes of the shortest message: a DNS header.</summary>
    public const int MinLength = 12;

    private PacketBuffer? _outgoing;
    private PacketBuffer? _incoming;
    private VshpReason _reason;

    internal VshpQuestion(VshpSession session, uint id, bool isOurs, ReadOnlySpan<byte> message)
        : base(session, id, isOurs)
    {
        if (isOurs)
        {
            _outgoing = session.Copy(message);
            Pend(Pending.Asking);
        }
        else
        {
            _incoming = session.Copy(message);
        }
    }

    /// <summary>What the other side has said; valid until <see cref="Release"/>.</summary>
    public ReadOnlyMemory<byte> Message => _incoming?.Memory ?? default;

    /// <summary>Answers, with 12 to 65,535 bytes; the question is over then, and released.</summary>
    public void Answer(ReadOnlySpan<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(message.Length, MinLength, nameof(message));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Length, FrameHeader.MaxPayload, nameof(message));
        if (!IsOurs && !IsOver)
        {
            Close(VshpReason.None, tell: false);
            _outgoing = Session.Copy(message);
            Pend(Pending.Answer);
        }

        Release();
    }

    /// <summary>Says why there is no answer; the question is over then, and released.</summary>
    public void Refuse(VshpReason reason)
    {
        if (!IsOurs && !IsOver)
        {
            _reason = reason;
            Close(reason, tell: false);
            Pend(Pending.Refusal);
        }

        Release();
    }

    /// <summary>The user is done. A question that is not answered then is refused; an answer that still comes is forgotten.</summary>
    public void Release()
    {
        if (!MarkReleased())
        {
            return;
        }

        _incoming?.Release();
        _incoming = null;
        if (!IsOver && !IsOurs)
        {
            _reason = VshpReason.Cancelled;
            Close(VshpReason.Cancelled, tell: false);
            Pend(Pending.Refusal);
        }

        Session.Released(this);
    }

    internal bool OnAnswered(ReadOnlySpan<byte> message)
    {
        if (!IsOurs)
        {
            return false;
        }

        _incoming = IsReleased ? null : Session.Copy(message);
        Close(VshpReason.None, tell: true);
        return true;
    }

    internal bool OnRefused(VshpReason reason)
    {
        if (!IsOurs)
        {
            return false;
        }

        Close(reason == VshpReason.None ? VshpReason.Reset : reason, tell: true);
        return true;
    }

    internal override void Frame(FrameLog log, long now)
    {
        Pending waiting = Waiting;
        Waiting = Pending.None;
        if (_outgoing is not null)
        {
            FrameType type = IsOurs ? FrameType.Resolve : FrameType.Resolved;
            _outgoing.Span.CopyTo(log.Append(new FrameHeader(type, 0, (ushort)_outgoing.Length, Id)));
            DropOutgoing();
        }

        if ((waiting & Pending.Refusal) != 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(log.Append(new FrameHeader(FrameType.Refused, 0, 2, Id)), (ushort)_reason);
        }
    }

    /// <summary>The session is over: what waits is not sent any more.</summary>
    internal void DropOutgoing()
    {
        _outgoing?.Release();
        _outgoing = null;
    }

    private protected override void OnClosed()
    {
        if (Session.IsOver)
        {
            DropOutgoing();
        }
    }
}
