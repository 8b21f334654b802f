using System;
using System.Collections.Generic;
using Culvert.Tests.Simulation.Wire;

namespace Culvert.Tests.Simulation.Hosts;

internal sealed partial class TestTcp
{
    private const int GivesUpAfter = 15;

    private readonly List<(long From, long To)> _sacked = []; // sorted, apart from each other
    private long _sendUnacknowledged;
    private long _sendNext;
    private long _sendHighest;
    private long _sendWindow;
    private long _windowFrom;
    private long _recover;
    private long _retransmitted;
    private long _congestionWindow;
    private long _slowStartThreshold;
    private long _smoothed;
    private long _variation;
    private long _timeout = 1_000_000;
    private (long Sequence, long Sent)? _timed;
    private int _segment;
    private int _duplicates;
    private int _backoff;
    private bool _recovering;
    private bool _finSent;

    public long Retransmissions { get; private set; }

    private long FinSequence => _iss + 1 + _habits.Sends;

    private long DataEnd => _habits.Sends == long.MaxValue ? long.MaxValue : FinSequence;

    private bool MayFinish => _habits.Finishing switch
    {
        Finishing.AfterSending => true,
        Finishing.AfterPeer => PeerFinished,
        _ => false,
    };

    private long Flight => _sendNext - _sendUnacknowledged;

    private void OnAcknowledgment(TcpSegment segment, long sequence)
    {
        long acknowledgment = Unwrap(segment.Acknowledgment, _sendUnacknowledged);
        World.Check(acknowledgment <= _sendHighest || _habits.Mischief != 0, "acknowledges what was never sent");
        long window = (long)segment.Window << _shiftPeer;
        bool sameWindow = window == _sendWindow;
        if (acknowledgment < _sendUnacknowledged)
        {
            return;
        }

        if (sequence > _windowFrom || (sequence == _windowFrom && acknowledgment > _sendUnacknowledged) || acknowledgment > _sendUnacknowledged || window > _sendWindow)
        {
            _sendWindow = window;
            _windowFrom = Math.Max(_windowFrom, sequence);
        }

        bool news = _sack && NoteSacks(segment, acknowledgment);
        if (acknowledgment > _sendUnacknowledged)
        {
            OnNewAcknowledgment(Math.Min(acknowledgment, _sendHighest));
        }
        else if (_sendHighest > _sendUnacknowledged && segment.Space == 0 && (_sack ? news : sameWindow))
        {
            OnDuplicate();
        }

        if (_recovering && _sack)
        {
            FillHoles();
        }
    }

    private bool NoteSacks(TcpSegment segment, long acknowledgment)
    {
        bool news = false;
        foreach ((uint fromWire, uint toWire) in segment.Sacks)
        {
            long from = Unwrap(fromWire, acknowledgment);
            long to = Unwrap(toWire, acknowledgment);
            World.Check(from < to && (to <= _sendHighest || _habits.Mischief != 0), $"a SACK block {fromWire}-{toWire} of what was never sent");
            if (to <= acknowledgment)
            {
                continue; // a D-SACK (RFC 2883)
            }

            news |= Note(Math.Max(from, acknowledgment), to);
        }

        return news;
    }

    private bool Note(long from, long to)
    {
        int i = 0;
        while (i < _sacked.Count && _sacked[i].To < from)
        {
            i++;
        }

        if (i < _sacked.Count && _sacked[i].From <= from && _sacked[i].To >= to)
        {
            return false;
        }

        while (i < _sacked.Count && _sacked[i].From <= to)
        {
            from = Math.Min(from, _sacked[i].From);
            to = Math.Max(to, _sacked[i].To);
            _sacked.RemoveAt(i);
        }

        _sacked.Insert(i, (from, to));
        return true;
    }

    private void OnNewAcknowledgment(long acknowledgment)
    {
        long count = acknowledgment - _sendUnacknowledged;
        _sendUnacknowledged = acknowledgment;
        _sendNext = Math.Max(_sendNext, acknowledgment);
        _retransmitted = Math.Max(_retransmitted, acknowledgment);
        _sacked.RemoveAll(range => range.To <= acknowledgment);
        if (_timed is (long timed, long sent) && acknowledgment > timed)
        {
            Measure(_world.Now - sent);
            _timed = null;
        }

        _backoff = 0;
        _duplicates = 0;
        if (_recovering && acknowledgment < _recover)
        {
            if (!_sack)
            {
                _congestionWindow = Math.Max(_segment, _congestionWindow - count + _segment); // partial (RFC 6582 section 3.2 step 3)
                Retransmit(_sendUnacknowledged);
            }
        }
        else if (_recovering)
        {
            _recovering = false;
            _congestionWindow = _slowStartThreshold;
        }
        else
        {
            _congestionWindow += _congestionWindow < _slowStartThreshold ? Math.Min(count, 2L * _segment) : Math.Max(1, (long)_segment * _segment / _congestionWindow);
        }

        if (_sendUnacknowledged == _sendHighest)
        {
            _retransmission.Stop();
        }
        else
        {
            _retransmission.Set(_world.Now + _timeout);
        }
    }

    private void OnDuplicate()
    {
        _duplicates++;
        if (_recovering)
        {
            _congestionWindow += _sack ? 0 : _segment;
        }
        else if (_duplicates == 3 && _sendUnacknowledged >= _recover)
        {
            _recovering = true;
            _recover = _sendHighest;
            _slowStartThreshold = Math.Max((_sendHighest - _sendUnacknowledged) / 2, 2L * _segment);
            _congestionWindow = _slowStartThreshold + (_sack ? 0 : 3L * _segment);
            _sendNext = _sendHighest;
            Retransmit(_sendUnacknowledged);
            _retransmitted = Math.Max(_retransmitted, _sendUnacknowledged + 1);
            _retransmission.Set(_world.Now + _timeout);
        }
    }

    /// <summary>Retransmits the holes below what was selectively acknowledged, as far as the congestion window goes (after RFC 6675).</summary>
    private void FillHoles()
    {
        if (_sacked.Count == 0)
        {
            return;
        }

        long highest = _sacked[^1].To;
        long inFlight = Math.Max(0, _sendNext - highest) + Math.Max(0, _retransmitted - _sendUnacknowledged);
        long at = Math.Max(_sendUnacknowledged, _retransmitted);
        foreach ((long from, long to) in _sacked)
        {
            while (at < from && inFlight + _segment <= _congestionWindow)
            {
                int sent = Retransmit(at, from);
                at += sent;
                inFlight += sent;
            }

            if (at < from)
            {
                break;
            }

            at = Math.Max(at, to);
        }

        _retransmitted = Math.Max(_retransmitted, Math.Min(at, highest));
    }

    private int Retransmit(long from, long limit = long.MaxValue)
    {
        Retransmissions++;
        _timed = null; // Karn
        if (from >= DataEnd)
        {
            Emit(Bits.Ack | Bits.Fin, FinSequence, default);
            return 1;
        }

        int take = (int)Math.Min(Math.Min(_segment, limit - from), Math.Min(_sendHighest, DataEnd) - from);
        SendData(from, take, finToo: from + take == DataEnd && _finSent && limit == long.MaxValue);
        return take;
    }

    private void TrySend()
    {
        if (IsDead || ConnectedAt == null)
        {
            return;
        }

        long edge = _sendUnacknowledged + (_sack && _recovering ? Math.Max(0, _congestionWindow + SackedBytes()) : _congestionWindow);
        long offered = _sendUnacknowledged + _sendWindow;
        if ((_habits.Mischief & Mischief.IgnoresWindow) != 0)
        {
            offered += 20L * _segment;
        }

        edge = Math.Min(edge, offered);
        while (_sendNext < DataEnd)
        {
            long room = Math.Min(edge, DataEnd) - _sendNext;
            if (room <= 0 || (room < _segment && edge < DataEnd && Flight > 0))
            {
                break; // nothing, or silly (RFC 9293 section 3.8.6.2.1)
            }

            int take = (int)Math.Min(room, LargestSend());
            bool isNew = _sendNext >= _sendHighest;
            bool finToo = _sendNext + take == DataEnd && MayFinish && (_finSent || offered > DataEnd);
            SendData(_sendNext, take, finToo);
            if (isNew)
            {
                _timed ??= (_sendNext, _world.Now);
            }

            _sendNext += take;
            _finSent |= finToo;
            _sendNext += finToo ? 1 : 0;
            _sendHighest = Math.Max(_sendHighest, _sendNext);
            Misbehave();
        }

        if (_sendNext == DataEnd && MayFinish && offered > DataEnd)
        {
            _finSent = true;
            Emit(Bits.Ack | Bits.Fin, FinSequence, default);
            _sendNext = FinSequence + 1;
            _sendHighest = Math.Max(_sendHighest, _sendNext);
        }

        bool waiting = _sendHighest > _sendUnacknowledged || (_sendNext < DataEnd && _sendWindow < _segment) || (_sendNext == DataEnd && MayFinish);
        if (waiting && !_retransmission.IsSet)
        {
            _retransmission.Set(_world.Now + _timeout);
        }
    }

    private long SackedBytes()
    {
        long total = 0;
        foreach ((long from, long to) in _sacked)
        {
            total += to - from;
        }

        return total;
    }

    private int LargestSend() => (_habits.Mischief & Mischief.TinySegments) != 0 ? 1 + _random.Below(40)
        : _host.Offloads ? Math.Min(64_000 / _segment, 1 + _random.Below(44)) * _segment
        : _segment;

    private void SendData(long from, int count, bool finToo)
    {
        byte[] payload = new byte[count];
        Pattern.Fill(payload, _habits.UpSeed, from - _iss - 1);
        Emit(Bits.Ack | Bits.Psh | (finToo ? Bits.Fin : 0), from, payload);
    }

    private void Measure(long roundTrip)
    {
        if (_smoothed == 0)
        {
            _smoothed = roundTrip;
            _variation = roundTrip / 2;
        }
        else
        {
            _variation = ((3 * _variation) + Math.Abs(_smoothed - roundTrip)) / 4;
            _smoothed = ((7 * _smoothed) + roundTrip) / 8;
        }

        _timeout = Math.Clamp(_smoothed + Math.Max(1_000, 4 * _variation), _habits.MinimumRto, 60_000_000);
    }

    private void OnRetransmission()
    {
        if (++_backoff > GivesUpAfter)
        {
            HasTimedOut = true;
            StopTimers();
            return;
        }

        if (ConnectedAt == null)
        {
            SendSyn();
            return;
        }

        long wait = Math.Min(_timeout << Math.Min(_backoff, 12), 60_000_000);
        if (_sendHighest == _sendUnacknowledged || _sendWindow == 0)
        {
            // The window is shut, and what opens it may be lost: probe with a byte (RFC 9293 section 3.8.6.1).
            _backoff = Math.Min(_backoff, 8);
            if (_sendNext < DataEnd || _sendUnacknowledged < DataEnd)
            {
                SendData(_sendUnacknowledged, 1, finToo: false);
                _sendNext = Math.Max(_sendNext, _sendUnacknowledged + 1);
                _sendHighest = Math.Max(_sendHighest, _sendNext);
            }
            else if (_sendUnacknowledged == DataEnd && MayFinish)
            {
                _finSent = true;
                Retransmit(_sendUnacknowledged);
                _sendNext = _sendHighest = DataEnd + 1;
            }

            _retransmission.Set(_world.Now + wait);
            return;
        }

        _slowStartThreshold = Math.Max((_sendHighest - _sendUnacknowledged) / 2, 2L * _segment);
        _congestionWindow = _segment;
        _recovering = false;
        _recover = _sendHighest;
        _sacked.Clear(); // the receiver may have reneged (RFC 2018 section 8)
        _retransmitted = _sendUnacknowledged;
        _sendNext = _sendUnacknowledged;
        _timed = null;
        _duplicates = 0;
        Retransmissions++;
        if (_sendNext >= DataEnd)
        {
            Emit(Bits.Ack | Bits.Fin, FinSequence, default);
            _sendNext = FinSequence + 1;
        }

        _retransmission.Set(_world.Now + wait);
        TrySend();
    }
}
