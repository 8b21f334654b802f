using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>A stream or an association: one side asks for it, and the other accepts or refuses.</summary>
public abstract class VshpFlow : Numbered
{
    private VshpReason _reason; // of the pending refusal or reset

    private protected VshpFlow(VshpSession session, uint id, bool isOurs)
        : base(session, id, isOurs)
    {
        if (isOurs)
        {
            Pend(Pending.Asking);
        }
    }

    /// <summary>It was accepted.</summary>
    private protected bool IsOpened { get; private set; }

    /// <summary>We have what the other side asked for.</summary>
    public void Accept()
    {
        if (!IsOurs && !IsOpened && !IsOver)
        {
            IsOpened = true;
            Pend(Pending.Answer);
        }
    }

    /// <summary>We have not. It is over then, and released.</summary>
    public abstract void Refuse(VshpReason reason);

    /// <summary>The other side has what we asked for; false where it cannot have.</summary>
    internal bool OnOpened()
    {
        if (!IsOurs || IsOpened)
        {
            return false;
        }

        IsOpened = true;
        Session.Raise(SessionEventKind.Opened, this);
        return true;
    }

    /// <summary>The other side could not; false where it has said that it could.</summary>
    internal bool OnRefused(VshpReason reason)
    {
        if (!IsOurs || IsOpened)
        {
            return false;
        }

        Close(reason == VshpReason.None ? VshpReason.Reset : reason, tell: true);
        return true;
    }

    /// <summary>Refuses what the other side asked for, unless it was accepted or is over.</summary>
    private protected void CloseRefused(VshpReason reason)
    {
        if (!IsOurs && !IsOpened)
        {
            CloseAndPend(reason, Pending.Refusal);
        }
    }

    /// <summary>Ends it, unless it is over.</summary>
    private protected void CloseReset(VshpReason reason) => CloseAndPend(reason, Pending.Reset);

    /// <summary>Frames the word for "accepted".</summary>
    private protected void FrameAnswer(FrameLog log, Pending waiting)
    {
        if ((waiting & Pending.Answer) != 0)
        {
            log.Append(new FrameHeader(FrameType.Opened, 0, 0, Id));
        }
    }

    /// <summary>Frames the refusal or the reset; false where there is none.</summary>
    private protected bool FrameEnd(FrameLog log, Pending waiting)
    {
        if ((waiting & (Pending.Refusal | Pending.Reset)) == 0)
        {
            return false;
        }

        FrameType type = (waiting & Pending.Refusal) != 0 ? FrameType.Refused : FrameType.Reset;
        BinaryPrimitives.WriteUInt16BigEndian(log.Append(new FrameHeader(type, 0, 2, Id)), (ushort)_reason);
        return true;
    }

    private void CloseAndPend(VshpReason reason, Pending what)
    {
        if (!IsOver)
        {
            _reason = reason;
            Close(reason, tell: false);
            Pend(what);
        }
    }
}
