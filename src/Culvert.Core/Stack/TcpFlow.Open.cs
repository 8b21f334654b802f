using System;
using Culvert.Core.Packets;
using Culvert.Core.Stack.Tcp;

namespace Culvert.Core.Stack;

// Opening: what the two SYNs settle.
public sealed partial class TcpFlow
{
    private const int TimestampSize = 12;

    // What a peer takes that does not say (RFC 9293 section 3.7.1, RFC 8200 section 5); less than the least is not believed.
    private const int DefaultMssV4 = 536;
    private const int DefaultMssV6 = 1220;
    private const int LeastMss = 88;

    private uint _initialSequence;
    private readonly uint _timestampOffset;
    private uint _peerInitialSequence;
    private int _peerMss;
    private int _pathMss; // what the MTU leaves between IP and TCP options
    private int _mss; // payload of a full segment
    private int _sendScale;
    private int _receiveScale;
    private bool _timestamps;
    private bool _sacks;
    private bool _scales;
    private bool _isActive;

    internal uint PeerInitialSequence => _peerInitialSequence;

    private int IpHeaderSize => IpWriter.HeaderSize(Source.Address);

    private int LocalMss => _options.Mtu - IpHeaderSize - TcpHeader.MinSize;

    /// <summary>Whole segments that fit one IP packet.</summary>
    private int LargestSegment
    {
        get
        {
            int most = ushort.MaxValue - IpHeaderSize - TcpHeader.MinSize - (_timestamps ? TimestampSize : 0);
            return most - (most % _mss);
        }
    }

    private bool CanSendEver => _state is TcpState.SynReceived or TcpState.SynSent or TcpState.Established or TcpState.CloseWait;

    /// <summary>A SYN came; it stays unanswered until <see cref="Accept"/>. <paramref name="follows"/> is the
    /// sequence number that an earlier connection of the same ends had reached.</summary>
    internal void OpenPassive(in TcpHeader syn, uint? follows, long now)
    {
        _state = TcpState.Opening;
        if (follows is uint reached && Seq.LessOrEqual(_initialSequence, reached))
        {
            _initialSequence = reached + ushort.MaxValue; // beyond whatever of the earlier one is still under way
        }

        TakeOptions(syn);
        Begin();
        _heardAt = now;
    }

    /// <summary>Sends a SYN.</summary>
    internal void OpenActive(long now)
    {
        _state = TcpState.SynSent;
        _isActive = true;
        _timestamps = _sacks = _scales = true;
        _peerMss = LocalMss;
        Begin();
        _pending |= Pending.Syn;
        Settle(now);
    }

    /// <summary>
    /// Whether this SYN, of the same ends, begins a connection that takes this one's place: it comes after TIME_WAIT would let it in (RFC 9293 section
    /// 3.10.7.4, RFC 6191), or the application forgot that it had asked before.
    /// </summary>
    internal bool GivesWayTo(in TcpHeader syn) => _state switch
    {
        TcpState.Opening => syn.Sequence != _peerInitialSequence,
        TcpState.TimeWait => Seq.Greater(syn.Sequence, _nextToReceive) || (_timestamps && syn.HasTimestamp && Seq.Greater(syn.TimestampValue, _recentTimestamp)),
        _ => false,
    };

    private void Begin()
    {
        _pathMss = LocalMss;
        SetSegmentSize();
        _peerSegment = Math.Min(DefaultMssV4, _mss);
        _congestion = new Cubic(_mss);
        _unacknowledged = _initialSequence;
        _limitedUpTo = _initialSequence;
        _nextToSend = _initialSequence + 1;
        _queue.Begin(_nextToSend);
        for (_receiveScale = 0; _scales && _options.ReceiveBuffer >> _receiveScale > ushort.MaxValue; _receiveScale++)
        {
        }
    }

    private void TakeOptions(in TcpHeader syn)
    {
        _peerInitialSequence = syn.Sequence;
        _nextToReceive = syn.Sequence + 1;
        _rightEdge = _nextToReceive + (uint)Math.Min(_options.ReceiveBuffer, ushort.MaxValue);
        _peerMss = syn.Mss != 0 ? Math.Max(syn.Mss, (ushort)LeastMss) : Source.Address.IsV4 ? DefaultMssV4 : DefaultMssV6;
        _timestamps = syn.HasTimestamp;
        _sacks = syn.SackPermitted;
        _scales = syn.HasWindowScale;
        _sendScale = syn.WindowScale;
        _recentTimestamp = syn.TimestampValue;
        _lastAckSent = _nextToReceive;
        _sendWindow = syn.Window;
        _windowSequence = syn.Sequence;
        _largestWindow = syn.Window;
    }

    private void SetSegmentSize() => _mss = Math.Min(_peerMss, _pathMss) - (_timestamps ? TimestampSize : 0);

    /// <summary>A router on the way takes no packet above <paramref name="mtu"/>; <paramref name="quoted"/> is the sequence number of the one it dropped (RFC 1191, RFC 8201).</summary>
    internal void LowerPathMtu(uint quoted, int mtu, long now)
    {
        bool ours = _state is >= TcpState.Established and < TcpState.TimeWait && Seq.GreaterOrEqual(quoted, _unacknowledged) && Seq.Less(quoted, _nextToSend);
        int mss = Math.Max(mtu - IpHeaderSize - TcpHeader.MinSize, Source.Address.IsV4 ? DefaultMssV4 : DefaultMssV6);
        if (!ours || mss >= _pathMss)
        {
            return; // forged, late, or nothing new
        }

        _pathMss = mss;
        SetSegmentSize();
        _congestion.SetSegmentSize(_mss);
        for (int i = 0; i < _board.Count; i++)
        {
            if (_board[i].Length > _mss)
            {
                _board.MarkLost(i);
            }
        }

        Settle(now);
    }

    /// <summary>The answer to our SYN (RFC 9293 section 3.10.7.3).</summary>
    private void ReceiveInSynSent(in TcpHeader header, long now)
    {
        bool acknowledges = (header.Flags & TcpFlags.Ack) != 0;
        if (acknowledges && header.Acknowledgment != _nextToSend)
        {
            if ((header.Flags & TcpFlags.Rst) == 0)
            {
                _stack.SendReset(Key, header.Acknowledgment, 0, acknowledges: false);
            }

            return;
        }

        if ((header.Flags & TcpFlags.Rst) != 0)
        {
            if (acknowledges)
            {
                Close(TcpCloseReason.PeerReset);
            }

            return;
        }

        if ((header.Flags & TcpFlags.Syn) == 0)
        {
            return;
        }

        TakeOptions(header);
        SetSegmentSize();
        _congestion = new Cubic(_mss);
        _receiveScale = _scales ? _receiveScale : 0;

        if (acknowledges)
        {
            Establish(header.Acknowledgment, now);
            _pending |= Pending.Ack;
        }
        else
        {
            _state = TcpState.SynReceived; // simultaneous open
            _pending |= Pending.Syn;
        }

        Settle(now);
    }

    /// <summary>Our SYN is acknowledged.</summary>
    private void Establish(uint acknowledgment, long now)
    {
        _state = TcpState.Established;
        _unacknowledged = acknowledgment;
        _windowAcknowledgment = acknowledgment;
        if (_backoffs == 0 && _synSentAt >= 0)
        {
            _rtt.Sample(now - _synSentAt, now - _synSentAt);
        }

        _backoffs = 0;
        _quickAcks = QuickAcks;
        if (_isActive)
        {
            _stack.Raise(StackEventKind.TcpWritable, this);
        }
    }

    /// <summary>While the SYN waits: the application may give up, or forget what it wanted.</summary>
    private void ReceiveWhileOpening(in TcpHeader header, long now)
    {
        bool ours = header.Sequence - _peerInitialSequence <= 1;
        if (ours && (header.Flags & (TcpFlags.Rst | TcpFlags.Fin)) != 0)
        {
            Close(TcpCloseReason.PeerReset);
        }
    }
}
