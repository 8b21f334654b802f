using System;
using Culvert.Core.Packets;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation.Hosts;

/// <summary>
/// An independent TCP client after RFC 9293, and a judge: what it gets must be its peer's stream byte for byte, within the windows and segment sizes
/// it offered, and acknowledge only what it sent. Sequence numbers are held as 64-bit numbers and wrap only on the wire.
/// </summary>
internal sealed partial class TestTcp
{
    private readonly World _world;
    private readonly TestHost _host;
    private readonly TcpHabits _habits;
    private readonly Randomness _random;
    private readonly SimTimer _retransmission;
    private readonly SimTimer _delayedAck;
    private readonly SimTimer _reading;
    private readonly long _iss;
    private readonly uint _clockOffset;
    private int _shiftUs;
    private int _shiftPeer;
    private bool _sack;
    private bool _timestamps;
    private readonly TcpSegment? _syn;

    /// <summary>Opens a connection, or answers the SYN of one.</summary>
    public TestTcp(World world, TestHost host, IpEndpoint local, IpEndpoint remote, TcpHabits habits, TcpSegment? syn = null)
    {
        _world = world;
        _host = host;
        _habits = habits;
        _random = world.Random.Fork();
        Local = local;
        Remote = remote;
        _iss = (1L << 40) | (habits.InitialSequence ?? (uint)_random.Next());
        _clockOffset = (uint)_random.Next();
        _sendUnacknowledged = _sendNext = _sendHighest = _recover = _retransmitted = _iss;
        _retransmission = new SimTimer(world, OnRetransmission);
        _delayedAck = new SimTimer(world, SendAck);
        _reading = new SimTimer(world, OnReading);
        OwnMss = habits.Mss ?? host.Mtu - (local.Address.IsV4 ? 40 : 60);
        _segment = 536;
        Opened = world.Now;
        _syn = syn;
        if (syn != null)
        {
            Negotiate(syn);
        }

        SendSyn();
    }

    public IpEndpoint Local { get; }

    public IpEndpoint Remote { get; }

    public int OwnMss { get; }

    public long Opened { get; }

    public long? ConnectedAt { get; private set; }

    /// <summary>The SYN was answered with RST.</summary>
    public bool WasRefused { get; private set; }

    /// <summary>The connection was open, and reset by the peer.</summary>
    public bool WasReset { get; private set; }

    /// <summary>It reset the connection itself.</summary>
    public bool HasReset { get; private set; }

    /// <summary>It gave up after too many retransmissions.</summary>
    public bool HasTimedOut { get; private set; }

    /// <summary>The type and code of the ICMP error that answered the SYN.</summary>
    public (byte Type, byte Code)? Unreachable { get; private set; }

    public bool PeerFinished => _finAt is long fin && _receiveNext > fin;

    public bool OwnFinAcknowledged => _finSent && _sendUnacknowledged == FinSequence + 1;

    /// <summary>Nothing more is to come: both FINs are through, or somebody gave up.</summary>
    public bool IsOver => IsDead || (PeerFinished && OwnFinAcknowledged);

    public bool IsDead => WasRefused || WasReset || HasReset || HasTimedOut || Unreachable != null;

    /// <summary>Bytes of the peer's stream received in order.</summary>
    public long Received => ConnectedAt == null ? 0 : _receiveNext - _irs - 1 - (PeerFinished ? 1 : 0);

    public long Acknowledged => Math.Max(0, Math.Min(_sendUnacknowledged - _iss - 1, _habits.Sends));

    private uint Clock => (uint)(_world.Now / 1000) + _clockOffset;

    public void Reset()
    {
        if (!IsDead)
        {
            HasReset = true;
            Emit(Bits.Rst | Bits.Ack, _sendHighest, default);
            StopTimers();
        }
    }

    public void OnUnreachable(byte type, byte code, TcpSegment quoted)
    {
        // Only the answer to the SYN is final; later ones are soft (RFC 5927 section 5).
        if (ConnectedAt == null && !IsDead && quoted.Sequence == (uint)_iss)
        {
            Unreachable = (type, code);
            StopTimers();
        }
    }

    public void OnSegment(TcpSegment segment)
    {
        if (IsDead)
        {
            if (!segment.Has(Bits.Rst))
            {
                _host.AnswerStranger(segment);
            }

            return;
        }

        if (ConnectedAt == null)
        {
            OnSynAnswer(segment);
            return;
        }

        OnOpen(segment);
        if (!IsDead && _habits.ResetAfter is long limit && Received + Acknowledged >= limit)
        {
            Reset();
        }
    }

    private static long Unwrap(uint wire, long near) => near + (int)(wire - (uint)near);

    private void SendSyn()
    {
        _sendNext = _sendHighest = _iss + 1;
        _host.Send(new TcpSegment
        {
            Source = Local,
            Destination = Remote,
            Sequence = (uint)_iss,
            Acknowledgment = _syn == null ? 0 : _syn.Sequence + 1,
            Flags = _syn == null ? Bits.Syn : Bits.Syn | Bits.Ack,
            Window = (ushort)Math.Min(_habits.ReceiveBuffer, 65_535),
            Mss = (ushort)OwnMss,
            Scale = _syn == null || _syn.Scale != null ? _habits.Scale : null,
            SackPermitted = _syn == null ? _habits.Sack : _sack,
            Timestamp = (_syn == null ? _habits.Timestamps : _timestamps) ? (Clock, _recentTimestamp) : null,
        });
        _retransmission.Set(_world.Now + (1_000_000L << Math.Min(_backoff, 6)));
    }

    private void OnSynAnswer(TcpSegment segment)
    {
        bool acknowledges = segment.Has(Bits.Ack) && segment.Acknowledgment == (uint)(_iss + 1);
        if (segment.Has(Bits.Ack) && !acknowledges)
        {
            if (!segment.Has(Bits.Rst))
            {
                _host.AnswerStranger(segment);
            }

            return;
        }

        if (segment.Has(Bits.Rst))
        {
            WasRefused = acknowledges;
            StopTimers();
            return;
        }

        if (_syn != null)
        {
            if (segment.Has(Bits.Syn))
            {
                SendSyn(); // the answer was lost
            }
            else if (acknowledges)
            {
                Open((long)segment.Window << _shiftPeer);
                OnOpen(segment);
            }

            return;
        }

        if (!segment.Has(Bits.Syn) || !acknowledges)
        {
            return;
        }

        World.Check(segment.Mss != null, "a SYN-ACK without MSS");
        World.Check(segment.Scale == null || _habits.Scale != null, "window scale not asked for");
        World.Check(!segment.SackPermitted || _habits.Sack, "SACK not asked for");
        World.Check(segment.Timestamp == null || _habits.Timestamps, "timestamps not asked for");
        Negotiate(segment);
        Open(segment.Window); // never scaled in a SYN (RFC 7323 section 2.2)
        SendAck();
        TrySend();
    }

    private void Negotiate(TcpSegment syn)
    {
        bool scaled = syn.Scale != null && _habits.Scale != null;
        _shiftPeer = scaled ? Math.Min(syn.Scale!.Value, (byte)14) : 0;
        _shiftUs = scaled ? Math.Min(_habits.Scale!.Value, (byte)14) : 0;
        _sack = syn.SackPermitted && _habits.Sack;
        _timestamps = syn.Timestamp != null && _habits.Timestamps;
        _recentTimestamp = syn.Timestamp?.Value ?? 0;
        _segment = Math.Min(OwnMss, syn.Mss ?? 536) - (_timestamps ? 12 : 0);
        _irs = Unwrap(syn.Sequence, 1L << 40);
        _receiveNext = _consumed = _lastAcked = _irs + 1;
    }

    private void Open(long window)
    {
        ConnectedAt = _world.Now;
        _offeredEdge = _receiveNext + Math.Min(_habits.ReceiveBuffer, 65_535);
        _sendUnacknowledged = _iss + 1;
        _sendWindow = window;
        _windowFrom = _receiveNext;
        _backoff = 0;
        _congestionWindow = 10L * _segment;
        _slowStartThreshold = long.MaxValue;
        _retransmission.Stop();
        if (_habits.ReadPause > 0 || _habits.ReadRate > 0)
        {
            _reading.Set(_world.Now + Math.Max(_habits.ReadPause, 10_000));
        }
    }

    private void StopTimers()
    {
        _retransmission.Stop();
        _delayedAck.Stop();
        _reading.Stop();
    }

    private void Emit(Bits flags, long sequence, ReadOnlyMemory<byte> payload)
    {
        _host.Send(
            new TcpSegment
            {
                Source = Local,
                Destination = Remote,
                Sequence = (uint)sequence,
                Acknowledgment = (flags & Bits.Ack) != 0 ? (uint)_receiveNext : 0,
                Flags = flags,
                Window = OfferWindow(),
                Timestamp = _timestamps ? (Clock, _recentTimestamp) : null,
                Sacks = _sack && payload.Length == 0 ? SackBlocks() : [], // they do not fit behind a full segment
                Payload = payload,
            },
            _segment);
        if ((flags & Bits.Ack) != 0)
        {
            _delayedAck.Stop();
            _unacknowledgedSegments = 0;
            _lastAcked = _receiveNext;
        }
    }
}
