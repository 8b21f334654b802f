using System;

namespace Culvert.Core.Session;

/// <summary>One UDP endpoint at the side that was asked for it. Datagrams may be sent at once.</summary>
public sealed class VshpAssociation : VshpFlow
{
    internal VshpAssociation(VshpSession session, uint id, bool isOurs)
        : base(session, id, isOurs)
    {
    }

    /// <inheritdoc/>
    public override void Refuse(VshpReason reason)
    {
        CloseRefused(reason);
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

        CloseReset(reason);
        Session.Released(this);
    }

    internal override void Frame(FrameLog log, long now)
    {
        Pending waiting = Waiting;
        Waiting = Pending.None;
        if ((waiting & Pending.Asking) != 0)
        {
            log.Append(new FrameHeader(FrameType.Associate, 0, 0, Id));
        }

        FrameAnswer(log, waiting);
        FrameEnd(log, waiting);
    }

    private protected override void OnClosed()
    {
    }
}
