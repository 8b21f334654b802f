using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>One UDP endpoint at the side that was asked for it. Datagrams may be sent at once.</summary>
public sealed class VshpAssociation : Numbered
{
    private VshpReason _reason;
    private bool _opened;

    internal VshpAssociation(VshpSession session, uint id, bool isOurs)
        : base(session, id, isOurs)
    {
        if (isOurs)
        {
            Pend(Pending.Asking);
        }
    }

    /// <summary>We have the endpoint that the other side asked for.</summary>
    public void Accept()
    {
        if (!IsOurs && !_opened && !IsOver)
        {
            _opened = true;
            Pend(Pending.Answer);
        }
    }

    /// <summary>We have not. The association is over then, and released.</summary>
    public void Refuse(VshpReason reason)
    {
        if (!IsOurs && !_opened && !IsOver)
        {
            _reason = reason;
            Close(reason, tell: false);
            Pend(Pending.Refusal);
        }

        Release(VshpReason.Cancelled);
    }

    /// <summary>
    /// Sends a datagram to <paramref name="destination"/>, or on the answering side one from there. Dropped, and counted, where there is no transport or no room; false where
    /// it is too long for a frame.
    /// </summary>
    public bool Send(in VshpDestination destination, ReadOnlySpan<byte> payload) => Session.SendDatagram(this, destination, payload, FrameFlags.None);

    /// <summary>Tells the other side that nobody listens at <paramref name="destination"/>.</summary>
    public void SendUnreachable(in VshpDestination destination) => Session.SendDatagram(this, destination, default, FrameFlags.Unreachable);

    /// <summary>The user is done; an open association ends, for <paramref name="reason"/>. No event follows.</summary>
    public void Release(VshpReason reason)
    {
        if (!MarkReleased())
        {
            return;
        }

        if (!IsOver)
        {
            _reason = reason;
            Close(reason, tell: false);
            Pend(Pending.Reset);
        }

        Session.Released(this);
    }

    internal bool OnOpened()
    {
        if (!IsOurs || _opened)
        {
            return false;
        }

        _opened = true;
        Session.Raise(SessionEventKind.Opened, this);
        return true;
    }

    internal bool OnRefused(VshpReason reason)
    {
        if (!IsOurs || _opened)
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
        if ((waiting & Pending.Asking) != 0)
        {
            log.Append(new FrameHeader(FrameType.Associate, 0, 0, Id));
        }

        if ((waiting & Pending.Answer) != 0)
        {
            log.Append(new FrameHeader(FrameType.Opened, 0, 0, Id));
        }

        if ((waiting & (Pending.Refusal | Pending.Reset)) != 0)
        {
            FrameType type = (waiting & Pending.Refusal) != 0 ? FrameType.Refused : FrameType.Reset;
            BinaryPrimitives.WriteUInt16BigEndian(log.Append(new FrameHeader(type, 0, 2, Id)), (ushort)_reason);
        }
    }

    private protected override void OnClosed()
    {
    }
}
