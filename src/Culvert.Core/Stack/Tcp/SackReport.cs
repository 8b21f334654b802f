using System;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// What the next ACK reports: the stretches received beyond a gap, the newest first (RFC 2018 section 4), and once before them a stretch
/// received twice (D-SACK, RFC 2883).
/// </summary>
internal struct SackReport
{
    /// <summary>Stretches remembered: as many as an ACK has room for.</summary>
    private const int Capacity = 4;

    private SeqRange _a;
    private SeqRange _b;
    private SeqRange _c;
    private SeqRange _d;
    private int _count;
    private SeqRange _duplicate;
    private bool _hasDuplicate;

    /// <summary>Something to report.</summary>
    public readonly bool IsEmpty => _count == 0 && !_hasDuplicate;

    /// <summary>A stretch was received twice; reported once.</summary>
    public void Duplicate(SeqRange range)
    {
        _duplicate = range;
        _hasDuplicate = true;
    }

    /// <summary>The stretch that the newest segment lies in.</summary>
    public void Newest(SeqRange run)
    {
        Span<SeqRange> kept = [_a, _b, _c, _d];
        Span<SeqRange> now = stackalloc SeqRange[Capacity];
        now[0] = run;
        int count = 1;
        for (int i = 0; i < _count && count < Capacity; i++)
        {
            bool within = Seq.LessOrEqual(kept[i].Start, run.End) && Seq.GreaterOrEqual(kept[i].End, run.Start);
            if (!within)
            {
                now[count++] = kept[i];
            }
        }

        Store(now, count);
    }

    /// <summary>Everything before <paramref name="next"/> is in order now.</summary>
    public void Forget(uint next)
    {
        if (_count == 0)
        {
            return;
        }

        Span<SeqRange> kept = [_a, _b, _c, _d];
        int count = 0;
        for (int i = 0; i < _count; i++)
        {
            if (Seq.Greater(kept[i].Start, next))
            {
                kept[count++] = kept[i];
            }
        }

        Store(kept, count);
    }

    /// <summary>Puts at most <paramref name="most"/> blocks where an ACK wants them; returns how many. The duplicate is reported by that.</summary>
    public int Take(ref SackBlocks blocks, int most)
    {
        int count = 0;
        if (_hasDuplicate)
        {
            blocks[count++] = new SackBlock(_duplicate.Start, _duplicate.End);
            _hasDuplicate = false;
        }

        ReadOnlySpan<SeqRange> kept = [_a, _b, _c, _d];
        for (int i = 0; i < _count && count < most; i++)
        {
            blocks[count++] = new SackBlock(kept[i].Start, kept[i].End);
        }

        return count;
    }

    private void Store(ReadOnlySpan<SeqRange> ranges, int count)
    {
        _a = ranges[0];
        _b = ranges[1];
        _c = ranges[2];
        _d = ranges[3];
        _count = count;
    }
}
