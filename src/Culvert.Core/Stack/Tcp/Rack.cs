using System;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// Loss by time (RACK, RFC 8985 section 6.2): a segment is lost when one sent sufficiently later has arrived. Finds lost retransmissions and
/// tolerates reordering, which counting duplicate ACKs (RFC 6675) does not; the counting is kept where it decides sooner.
/// </summary>
internal struct Rack
{
    private const int DuplicateThreshold = 3;
    private const int MaxWindowMultiplier = 16;
    private const int RecoveriesToForget = 16;

    private long _sentAt;
    private uint _end;
    private bool _hasSample;
    private long _rtt;
    private bool _reorders;
    private int _multiplier;
    private int _persist;

    /// <summary>Takes what an ACK told. <paramref name="echoSentAt"/> is when the segment the peer answered was sent by its timestamp (whole milliseconds), or -1.</summary>
    public void Update(in Delivery delivery, long now, long shortest, long echoSentAt)
    {
        _reorders |= delivery.Reordered;
        if (delivery.RackSentAt < 0)
        {
            return;
        }

        long rtt = now - delivery.RackSentAt;
        if (delivery.RackRetransmitted)
        {
            // The ACK may be for the first transmission (section 6.2 step 2): it is, when it echoes an older time or comes impossibly soon.
            bool forTheFirst = echoSentAt >= 0 ? echoSentAt + 1000 <= delivery.RackSentAt : rtt < shortest;
            if (forTheFirst || rtt < shortest)
            {
                return;
            }
        }

        _rtt = rtt;
        if (!_hasSample || SentAfter(delivery.RackSentAt, delivery.RackEnd, _sentAt, _end))
        {
            _sentAt = delivery.RackSentAt;
            _end = delivery.RackEnd;
            _hasSample = true;
        }
    }

    /// <summary>The peer reported a duplicate of what we had sent twice: the window for reordering was too small.</summary>
    public void SawDuplicate()
    {
        _multiplier = Math.Min(Math.Max(_multiplier, 1) + 1, MaxWindowMultiplier);
        _persist = RecoveriesToForget;
    }

    /// <summary>A recovery ended.</summary>
    public void RecoveryEnded()
    {
        if (_persist > 0 && --_persist == 0)
        {
            _multiplier = 1;
        }
    }

    /// <summary>
    /// Marks what is lost by now; returns when to look again for what may be, or long.MaxValue.
    /// </summary>
    public readonly long Detect(Scoreboard board, long now, in RttEstimator rtt, int mss, bool inRecovery)
    {
        if (!_hasSample)
        {
            return long.MaxValue;
        }

        long window = ReorderWindow(board, rtt, mss, inRecovery);
        long again = -1;
        for (int i = 0; i < board.Count; i++)
        {
            ref SentSegment segment = ref board[i];
            if ((segment.Flags & (SentFlags.Sacked | SentFlags.Lost)) != 0 || !SentAfter(_sentAt, _end, segment.SentAt, segment.End))
            {
                continue;
            }

            long due = segment.SentAt + _rtt + window;
            if (due <= now)
            {
                board.MarkLost(i);
            }
            else
            {
                again = Math.Max(again, due);
            }
        }

        return again < 0 ? long.MaxValue : again;
    }

    private readonly long ReorderWindow(Scoreboard board, in RttEstimator rtt, int mss, bool inRecovery)
    {
        if (!_reorders && (inRecovery || board.SackedSegments >= DuplicateThreshold || board.SackedBytes > (DuplicateThreshold - 1) * mss))
        {
            return 0;
        }

        return Math.Min(rtt.Shortest * Math.Max(_multiplier, 1) / 4, rtt.Smoothed);
    }

    private static bool SentAfter(long sentA, uint endA, long sentB, uint endB) => sentA > sentB || (sentA == sentB && Seq.Greater(endA, endB));
}
