using System;

namespace Culvert.Core.Stack.Tcp;

/// <summary>
/// The segments in flight in order of their sequence numbers, and which of them the peer has or lost: RFC 6675's scoreboard, kept a
/// segment at a time as RACK wants it (RFC 8985 section 5.1). Bounded by <see cref="MaxSegments"/>: nothing new is sent beyond.
/// </summary>
internal sealed class Scoreboard
{
    /// <summary>Segments in flight at a time; a sender of tiny segments waits and fills larger ones.</summary>
    public const int MaxSegments = 4096;

    private const int MaxSplit = 2 * MaxSegments;
    private const int MinRing = 16;

    private SentSegment[] _ring = [];
    private int _head;
    private int _lostFrom; // no lost segment below this index
    private uint _highestSacked;

    /// <summary>Segments in flight or SACKed.</summary>
    public int Count { get; private set; }

    /// <summary>No room to send another; splitting what is there is still possible.</summary>
    public bool IsFull => Count >= MaxSegments;

    /// <summary>Bytes thought to be on the path: neither SACKed nor lost (RFC 6675's pipe).</summary>
    public int InFlight { get; private set; }

    /// <summary>Bytes SACKed above the cumulative acknowledgment.</summary>
    public int SackedBytes { get; private set; }

    /// <summary>Segments SACKed above the cumulative acknowledgment.</summary>
    public int SackedSegments { get; private set; }

    /// <summary>Bytes lost and not yet sent again.</summary>
    public int LostBytes { get; private set; }

    public ref SentSegment this[int index] => ref _ring[(_head + index) & (_ring.Length - 1)];

    /// <summary>Forgets everything, its memory included.</summary>
    public void Clear()
    {
        _ring = [];
        _head = 0;
        _lostFrom = 0;
        Count = 0;
        InFlight = 0;
        SackedBytes = 0;
        SackedSegments = 0;
        LostBytes = 0;
    }

    /// <summary>What the next ACK tells is gathered in this.</summary>
    public Delivery BeginDelivery() => new()
    {
        FirstSentAt = -1,
        LastSentAt = -1,
        RackSentAt = -1,
        HadSacked = SackedSegments > 0,
        HighestSackedBefore = _highestSacked,
    };

    /// <summary>A new segment went out.</summary>
    public void Add(uint start, uint end, long now)
    {
        if (Count == _ring.Length)
        {
            Grow();
        }

        Count++;
        this[Count - 1] = new SentSegment { Start = start, End = end, SentAt = now };
        InFlight += Seq.Distance(start, end);
    }

    /// <summary>Forgets what lies before <paramref name="ack"/>.</summary>
    public void Acknowledge(uint ack, ref Delivery delivery)
    {
        while (Count > 0)
        {
            ref SentSegment first = ref this[0];
            if (!Seq.Less(first.Start, ack))
            {
                break;
            }

            bool whole = Seq.LessOrEqual(first.End, ack);
            int length = Seq.Distance(first.Start, whole ? first.End : ack);
            if (first.Has(SentFlags.Sacked))
            {
                SackedBytes -= length;
                SackedSegments -= whole ? 1 : 0;
            }
            else
            {
                Uncount(first.Flags, length);
                Deliver(first, length, ref delivery);
                delivery.Ambiguous |= first.Has(SentFlags.Retransmitted);
            }

            if (!whole)
            {
                first.Start = ack;
                break;
            }

            _head = (_head + 1) & (_ring.Length - 1);
            Count--;
            _lostFrom = Math.Max(_lostFrom - 1, 0);
        }

        if (Count == 0)
        {
            _lostFrom = 0;
        }
    }

    /// <summary>Marks what lies in <paramref name="block"/> as arrived, cutting segments at its edges.</summary>
    public void Sack(SeqRange block, ref Delivery delivery)
    {
        for (int i = FindFirstEndingAfter(block.Start); i < Count; i++)
        {
            ref SentSegment segment = ref this[i];
            if (!Seq.Less(segment.Start, block.End))
            {
                break;
            }

            if (segment.Has(SentFlags.Sacked))
            {
                continue;
            }

            bool cut = Seq.Less(segment.Start, block.Start) || Seq.Greater(segment.End, block.End);
            if (cut && Count >= MaxSplit)
            {
                continue; // SACKs are advice: the crumbs of a peer that cuts ever smaller are not worth memory
            }

            if (Seq.Less(segment.Start, block.Start))
            {
                Split(i, block.Start);
                continue; // the part that is covered comes next
            }

            if (Seq.Greater(segment.End, block.End))
            {
                Split(i, block.End);
                segment = ref this[i];
            }

            Uncount(segment.Flags, segment.Length);
            Deliver(segment, segment.Length, ref delivery);
            delivery.SackedBytes += segment.Length;
            segment.Flags = (segment.Flags & ~SentFlags.Lost) | SentFlags.Sacked;
            SackedBytes += segment.Length;
            SackedSegments++;
            if (SackedSegments == 1 || Seq.Greater(segment.End, _highestSacked))
            {
                _highestSacked = segment.End;
            }
        }
    }

    /// <summary>Takes segment <paramref name="index"/> for lost.</summary>
    public void MarkLost(int index)
    {
        ref SentSegment segment = ref this[index];
        if ((segment.Flags & (SentFlags.Lost | SentFlags.Sacked)) != 0)
        {
            return;
        }

        segment.Flags |= SentFlags.Lost;
        InFlight -= segment.Length;
        LostBytes += segment.Length;
        _lostFrom = Math.Min(_lostFrom, index);
    }

    /// <summary>After a time-out all that the peer has not told us of is lost; <paramref name="distrustSacks"/> when it may have dropped that, too (RFC 2018 section 8).</summary>
    public void MarkAllLost(bool distrustSacks)
    {
        for (int i = 0; i < Count; i++)
        {
            ref SentSegment segment = ref this[i];
            if (distrustSacks && segment.Has(SentFlags.Sacked))
            {
                segment.Flags &= ~SentFlags.Sacked;
                SackedBytes -= segment.Length;
                SackedSegments--;
                InFlight += segment.Length;
            }

            MarkLost(i);
        }
    }

    /// <summary>Nothing was lost after all.</summary>
    public void UnmarkLost()
    {
        for (int i = 0; i < Count; i++)
        {
            ref SentSegment segment = ref this[i];
            if (segment.Has(SentFlags.Lost))
            {
                segment.Flags &= ~SentFlags.Lost;
                LostBytes -= segment.Length;
                InFlight += segment.Length;
            }
        }
    }

    /// <summary>The lost segment to send next, or -1.</summary>
    public int NextLost()
    {
        if (LostBytes == 0)
        {
            return -1;
        }

        while (_lostFrom < Count && !this[_lostFrom].Has(SentFlags.Lost))
        {
            _lostFrom++;
        }

        return _lostFrom < Count ? _lostFrom : -1;
    }

    /// <summary>Segment <paramref name="index"/> is sent again, its first <paramref name="length"/> bytes at least.</summary>
    public void Retransmitted(int index, int length, long now)
    {
        if (length < this[index].Length)
        {
            Split(index, this[index].Start + (uint)length);
        }

        ref SentSegment segment = ref this[index];
        if (segment.Has(SentFlags.Lost))
        {
            LostBytes -= segment.Length;
            InFlight += segment.Length;
        }

        segment.Flags = (segment.Flags & ~SentFlags.Lost) | SentFlags.Retransmitted;
        segment.SentAt = now;
    }

    /// <summary>Cuts segment <paramref name="index"/> in two at <paramref name="at"/>.</summary>
    public void Split(int index, uint at)
    {
        if (Count == _ring.Length)
        {
            Grow();
        }

        Count++;
        for (int i = Count - 1; i > index + 1; i--)
        {
            this[i] = this[i - 1];
        }

        ref SentSegment first = ref this[index];
        ref SentSegment second = ref this[index + 1];
        second = first;
        first.End = at;
        second.Start = at;
        if (first.Has(SentFlags.Sacked))
        {
            SackedSegments++;
        }

        if (_lostFrom > index)
        {
            _lostFrom++;
        }
    }

    private static void Deliver(in SentSegment segment, int length, ref Delivery delivery)
    {
        delivery.Bytes += length;
        bool once = !segment.Has(SentFlags.Retransmitted);
        if (once)
        {
            delivery.FirstSentAt = delivery.FirstSentAt < 0 ? segment.SentAt : Math.Min(delivery.FirstSentAt, segment.SentAt);
            delivery.LastSentAt = Math.Max(delivery.LastSentAt, segment.SentAt);
            delivery.Reordered |= delivery.HadSacked && Seq.Less(segment.Start, delivery.HighestSackedBefore);
        }

        if (segment.SentAt > delivery.RackSentAt || (segment.SentAt == delivery.RackSentAt && Seq.Greater(segment.End, delivery.RackEnd)))
        {
            delivery.RackSentAt = segment.SentAt;
            delivery.RackEnd = segment.End;
            delivery.RackRetransmitted = !once;
        }
    }

    private void Uncount(SentFlags flags, int length)
    {
        if ((flags & SentFlags.Lost) != 0)
        {
            LostBytes -= length;
        }
        else
        {
            InFlight -= length;
        }
    }

    private int FindFirstEndingAfter(uint start)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Seq.Greater(this[middle].End, start))
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }

    private void Grow()
    {
        SentSegment[] larger = new SentSegment[Math.Max(MinRing, _ring.Length * 2)];
        for (int i = 0; i < Count; i++)
        {
            larger[i] = this[i];
        }

        _ring = larger;
        _head = 0;
    }
}
