using System;

namespace Culvert.Core.Session;

/// <summary>What has an id of its own in a session: a stream, an association, a question.</summary>
public abstract class Numbered
{
    private protected Numbered(VshpSession session, uint id, bool isOurs)
    {
        Session = session;
        Id = id;
        IsOurs = isOurs;
    }

    /// <summary>What waits to be framed besides data.</summary>
    [Flags]
    internal enum Pending : byte
    {
        None = 0,
        Asking = 1,
        Answer = 2,
        Refusal = 4,
        Window = 8,
        Reset = 16,
        Fin = 32,
    }

    /// <summary>Its number in the session.</summary>
    public uint Id { get; }

    /// <summary>We asked for it, not the other side.</summary>
    public bool IsOurs { get; }

    /// <summary>The session's user keeps its own state here.</summary>
    public object? Tag { get; set; }

    /// <summary>Nothing more comes of it.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Why; <see cref="VshpReason.None"/> where it went as it should.</summary>
    public VshpReason CloseReason { get; private set; }

    /// <summary>The user is done with it.</summary>
    public bool IsReleased { get; private set; }

    internal VshpSession Session { get; }

    internal Pending Waiting { get; private protected set; }

    /// <summary>Links of the session's line of those with something pending.</summary>
    internal Numbered? NextWaiting { get; set; }

    internal bool IsInLine { get; set; }

    /// <summary>Events not yet taken, a bit for each kind.</summary>
    internal int QueuedEvents { get; set; }

    /// <summary>It counts among what the other side has open here: until it is over and released, so that resets do not make room for more than we can hold.</summary>
    internal bool IsCounted { get; set; }

    /// <summary>Frames what is pending, the oldest meaning first.</summary>
    internal abstract void Frame(FrameLog log, long now);

    /// <summary>It is over: out of the table, and nothing is kept that is not for the user to read.</summary>
    internal void Close(VshpReason reason, bool tell)
    {
        if (IsOver)
        {
            return;
        }

        IsOver = true;
        CloseReason = reason;
        OnClosed();
        Session.Remove(this);
        if (tell)
        {
            Session.Raise(SessionEventKind.Closed, this);
        }
    }

    internal void Pend(Pending what)
    {
        Waiting |= what;
        Session.Line(this);
    }

    private protected abstract void OnClosed();

    /// <summary>True the first time.</summary>
    private protected bool MarkReleased()
    {
        bool first = !IsReleased;
        IsReleased = true;
        return first;
    }
}
