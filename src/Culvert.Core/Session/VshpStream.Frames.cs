using System;
using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>What comes for a stream, and what of it goes out.</summary>
public sealed partial class VshpStream
{
    /// <summary>Bytes of DATA that we have framed.</summary>
    internal long Sent { get; private set; }

    /// <summary>Bytes of DATA that we may frame.</summary>
    internal long SendLimit { get; private set; }

    /// <summary>Its place in the scheduler.</summary>
    internal VshpStream? NextTurn { get; set; }

    internal TurnLine Line { get; set; }

    /// <summary>Bytes that it may still send before it is the next one's turn.</summary>
    internal int Deficit { get; set; }

    /// <summary>It stopped for want of window, not of bytes, so it is not one that was silent.</summary>
    internal bool WasBlocked { get; set; }

    /// <summary>There is something to frame, whatever the session's window says.</summary>
    internal bool CanSend => !IsOver && _queue.Length > 0 && SendLimit > Sent;

    /// <summary>Bytes wait for want of window.</summary>
    internal bool IsBlocked => !IsOver && _queue.Length > 0;

    /// <summary>It is over both ways.</summary>
    internal void OnReset(VshpReason reason) => Close(reason == VshpReason.None ? VshpReason.Reset : reason, tell: true);

    /// <summary>Another limit for our data.</summary>
    internal void OnWindow(long limit)
    {
        if (limit > SendLimit)
        {
            SendLimit = limit;
            if (CanSend)
            {
                Session.WantsTurn(this);
            }
        }
    }

    /// <summary>Data came, and was found to be within the session's window; returns what it broke, or None.</summary>
    internal VshpReason OnData(ReadOnlySpan<byte> data, bool fin)
    {
        if (ReceiveFinished || (IsOurs && !IsOpened))
        {
            return VshpReason.Protocol;
        }

        if (!_window.TryReceive(data.Length))
        {
            return VshpReason.FlowControl;
        }

        if (IsReleased)
        {
            Session.Consumed(data.Length);
            _window.Consume(data.Length);
            if (data.Length > 0)
            {
                Reset(VshpReason.Cancelled); // nobody will read it, and its sender should know
                return VshpReason.None;
            }
        }
        else if (data.Length > 0)
        {
            _received.Append(data);
        }

        ReceiveFinished = fin;
        if (data.Length > 0 || fin)
        {
            Session.Raise(SessionEventKind.Readable, this);
            CloseIfFinished();
        }

        return VshpReason.None;
    }

    /// <summary>Frames the next data, at most <paramref name="most"/> bytes; returns how many.</summary>
    internal int FrameData(FrameLog log, int most)
    {
        PacketBuffer block = _queue.Peek((int)Math.Min(most, SendLimit - Sent), out int start, out int length);
        bool fin = _finishing && length == _queue.Length;
        FrameHeader header = new(FrameType.Data, fin ? FrameFlags.Fin : FrameFlags.None, (ushort)length, Id);
        if (IsThin(block))
        {
            block.Array.AsSpan(start, length).CopyTo(log.Append(header));
        }
        else
        {
            log.Append(header, block, start);
        }

        _queue.Take(length);
        Session.Queued(-length);
        Sent += length;
        _finFramed |= fin;
        CloseIfFinished();
        if (_wantsToWrite && CanWrite && _queue.Length <= Session.Options.SendBuffer / 2 && Session.RoomToWrite(_queue.Length) > 0)
        {
            _wantsToWrite = false;
            Session.Raise(SessionEventKind.Writable, this);
        }

        return length;
    }

    /// <summary>Kept for its sake, the block would be more than half empty, so that what is kept for resuming would be more than twice what it counts.</summary>
    private static bool IsThin(PacketBuffer block) => block.Start + block.Length < block.Capacity / 2;

    private void CloseIfFinished()
    {
        if (ReceiveFinished && _finFramed && !IsOver)
        {
            Close(VshpReason.None, tell: true);
        }
    }
}
