using System;
using System.Buffers;
using System.Diagnostics;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

/// <summary>Why a TCP flow is over.</summary>
public enum TcpCloseReason : byte
{
    /// <summary>It is not over.</summary>
    None,

    /// <summary>Both directions were finished and acknowledged.</summary>
    Finished,

    /// <summary>The application reset it.</summary>
    PeerReset,

    /// <summary>The application stopped answering.</summary>
    TimedOut,

    /// <summary>We refused or aborted it.</summary>
    Aborted,
}

/// <summary>
/// One TCP connection from an application to <see cref="Destination"/>. Bytes of the application wait in <see cref="Received"/>; bytes for it are
/// written into <see cref="GetMemory"/>. Memory lent by either stays valid until <see cref="Release"/>, also when the connection is reset meanwhile;
/// of <see cref="Received"/>, until it is consumed. Once the connection is over, calls that would send do nothing.
/// </summary>
public sealed partial class TcpFlow
{
    private readonly IpStack _stack;
    private readonly StackOptions _options;
    private readonly SendQueue _queue;
    private readonly ReceiveQueue _received;
    private readonly OutOfOrderQueue _early;
    private TcpState _state;
    private bool _resetsWhenDelivered;
    private bool _released;

    internal TcpFlow(IpStack stack, FlowKey key, long now)
    {
        _stack = stack;
        _options = stack.Options;
        Key = key;
        _queue = new SendQueue(stack.Pool, _options.SendBuffer);
        _received = new ReceiveQueue(stack.Pool, stack.Nodes);
        _early = new OutOfOrderQueue(stack.Pool, Math.Max(2 * _options.ReceiveBuffer, 4 * PacketPool.LargeSize));
        (_initialSequence, _timestampOffset) = stack.Sequences.Next(key.Source, key.Destination, now);
        _heardAt = now;
    }

    /// <summary>The application's end.</summary>
    public IpEndpoint Source => Key.Source;

    /// <summary>Where it wants to go.</summary>
    public IpEndpoint Destination => Key.Destination;

    /// <summary>The stack's user keeps its own state here.</summary>
    public object? Tag { get; set; }

    /// <summary>Why it is over, or <see cref="TcpCloseReason.None"/>.</summary>
    public TcpCloseReason CloseReason { get; private set; }

    /// <summary>In-order bytes not yet consumed; still there when the connection is over.</summary>
    public ReadOnlySequence<byte> Received => _received.Bytes;

    /// <summary>The application has sent its FIN: nothing comes behind <see cref="Received"/>.</summary>
    public bool ReceiveFinished { get; private set; }

    internal FlowKey Key { get; }

    internal TcpState State => _state;

    /// <summary>Where <see cref="DeadlineHeap"/> keeps it; -1 for nowhere.</summary>
    internal int HeapIndex { get; set; } = -1;

    /// <summary>When the flow's next timer is due.</summary>
    internal long Deadline { get; private set; } = long.MaxValue;

    /// <summary>Events not yet taken, a bit for each kind.</summary>
    internal int QueuedEvents { get; set; }

    internal bool IsReleased => _released;

    /// <summary>The user has not been told of it yet.</summary>
    internal bool IsUnseen => (QueuedEvents & (1 << (int)StackEventKind.TcpOpening)) != 0;

    /// <summary>It stands in the stack's line for control segments, or for data.</summary>
    internal bool HasControl { get; set; }

    internal bool HasTurn { get; set; }

    /// <summary>The sequence number behind the last one sent.</summary>
    internal uint Reached => _nextToSend;

    /// <summary>The exit has connected: answers the SYN.</summary>
    public void Accept(long now)
    {
        if (_state == TcpState.Opening)
        {
            _stack.StopsOpening(this);
            _state = TcpState.SynReceived;
            _pending |= Pending.Syn;
            Settle(now);
        }
    }

    /// <summary>The exit has not: answers the SYN accordingly. The flow is closed then, and released.</summary>
    public void Refuse(Refusal refusal, long now)
    {
        if (_state == TcpState.Opening)
        {
            _stack.RefuseSyn(this, refusal, PeerInitialSequence, now);
            Close(TcpCloseReason.Aborted, tell: false);
        }

        Release(now);
    }

    /// <summary>Gives back the first <paramref name="count"/> bytes of <see cref="Received"/>; only now does the window open again.</summary>
    public void Consume(long count, long now)
    {
        _received.Consume(count);
        if (count > 0 && _state is TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2)
        {
            ConsiderWindowUpdate();
            Settle(now);
        }
    }

    /// <summary>
    /// Room for bytes to send, at most 64 KiB; empty when the send buffer is full (a TcpWritable event follows when there is room), before
    /// <see cref="Accept"/>, behind <see cref="Finish"/>, and when the connection is over. At most one block is lent at a time: asking again
    /// before <see cref="Advance"/> lends the same.
    /// </summary>
    public Memory<byte> GetMemory()
    {
        if (!_queue.IsLent && (!CanSendEver || _finishing))
        {
            return default;
        }

        Memory<byte> memory = _queue.Lend(_mss, _options.Offloads ? LargestSegment : PacketPool.LargeSize);
        _wantsToWrite |= memory.IsEmpty;
        return memory;
    }

    /// <summary>The first <paramref name="count"/> bytes of the lent block are to be sent; 0 gives it back.</summary>
    public void Advance(int count, long now)
    {
        _queue.Commit(count, keep: CanSendEver);
        if (CanSendEver)
        {
            Settle(now);
        }
    }

    /// <summary>No more bytes to send: FIN behind what is queued.</summary>
    public void Finish(long now)
    {
        if (!_finishing && CanSendEver)
        {
            _finishing = true;
            Settle(now);
        }
    }

    /// <summary>Resets the connection.</summary>
    public void Abort(long now)
    {
        if (_state == TcpState.Closed)
        {
            return;
        }

        if (_state == TcpState.Opening)
        {
            _stack.SendReset(Key, 0, PeerInitialSequence + 1, acknowledges: true);
        }
        else if (_state is not (TcpState.TimeWait or TcpState.SynSent))
        {
            _stack.SendReset(Key, _nextToSend, _nextToReceive, acknowledges: true);
        }

        Close(TcpCloseReason.Aborted);
    }

    /// <summary>
    /// Resets the connection as soon as what is queued has been acknowledged, as a far side's reset must not overtake what it sent before. Until then nothing
    /// more is taken from the application; one that acknowledges nothing for a minute is given up.
    /// </summary>
    public void AbortWhenDelivered(long now)
    {
        // The application's answer to our SYN may still be on its way.
        uint delivered = _state == TcpState.SynReceived ? _unacknowledged + 1 : _unacknowledged;
        if (_state is not (TcpState.SynReceived or TcpState.Established or TcpState.CloseWait) || delivered == _queue.End)
        {
            Abort(now);
            return;
        }

        _resetsWhenDelivered = true;
        _lingerUntil = now + OrphanTimeout;
        Settle(now);
    }

    /// <summary>
    /// The user is done with the flow's memory. An open flow is aborted, and so is one with bytes unread, since their sender believes them read (RFC 9293
    /// section 3.10.4); one that is finishing goes on by itself. No event follows.
    /// </summary>
    public void Release(long now)
    {
        if (_released)
        {
            return;
        }

        _released = true;
        bool unread = _received.Length > 0;
        _received.Consume(_received.Length);
        _early.Clear();
        if (_state != TcpState.Closed && _state != TcpState.TimeWait && !_resetsWhenDelivered && (!_finishing || unread))
        {
            Abort(now);
        }

        if (_queue.IsLent)
        {
            _queue.Commit(0, keep: true);
        }

        if (_state == TcpState.Closed)
        {
            _queue.DropBlocks();
            return;
        }

        if (_state == TcpState.FinWait2)
        {
            _lingerUntil = now + OrphanTimeout;
        }

        Settle(now);
    }

    /// <summary>Out of the table, for good. What the user may still look at stays until <see cref="Release"/>.</summary>
    internal void Close(TcpCloseReason reason, bool tell = true)
    {
        Debug.Assert(_state != TcpState.Closed, "a flow closes once");
        if (_state == TcpState.Opening)
        {
            _stack.StopsOpening(this);
        }

        bool told = _state == TcpState.TimeWait;
        _state = TcpState.Closed;
        _pending = Pending.None;
        _early.Clear();
        _queue.Clear();
        _board.Clear();
        SetDeadline(long.MaxValue);
        _stack.Remove(this);
        if (!told)
        {
            CloseReason = reason;
            if (tell)
            {
                _stack.Raise(StackEventKind.TcpClosed, this);
            }
        }
    }

    /// <summary>After anything that happened: is there something to send, and when is the next timer due?</summary>
    private void Settle(long now)
    {
        if (_state == TcpState.Closed)
        {
            return;
        }

        ArmTimers(now);
        if ((_pending & Pending.Any) != 0)
        {
            _stack.WantsControl(this);
        }

        if (TryPlan(out _))
        {
            _stack.WantsTurn(this);
        }
    }
}
