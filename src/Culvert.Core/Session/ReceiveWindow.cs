using System;

namespace Culvert.Core.Session;

/// <summary>
/// How far the other side may send, on a stream or on all of them: what it has sent, what of that was read, and the limit that it was told. The window grows while readers
/// empty half of it in less than two round trips, since then it is the window that the sender waits for.
/// </summary>
internal struct ReceiveWindow(int size, int least, long now)
{
    /// <summary>On a path shorter than this, what is measured is the machines.</summary>
    private const long LeastRoundTrip = 250;

    private long _received;
    private long _consumed;
    private long _renewedAt = now;

    /// <summary>Bytes from the first on that the other may send.</summary>
    public long Limit { get; private set; } = size;

    /// <summary>Bytes unread that it may have at a time.</summary>
    public int Size { get; private set; } = size;

    /// <summary>As much has been read since the limit was told as the sender has left, and it is worth telling.</summary>
    public readonly bool IsDue => Gain >= least && Gain >= Limit - _received;

    private readonly long Gain => _consumed + Size - Limit;

    /// <summary>Bytes came; false when they are beyond the limit.</summary>
    public bool TryReceive(int count)
    {
        if (count > Limit - _received)
        {
            return false;
        }

        _received += count;
        return true;
    }

    /// <summary>Bytes were read.</summary>
    public void Consume(long count) => _consumed += count;

    /// <summary>A limit is being told. The window becomes larger by at most <paramref name="most"/> bytes; returns by how many.</summary>
    public int Renew(long now, long roundTrip, int most)
    {
        int growth = 0;
        if (roundTrip > 0 && now - _renewedAt < 2 * Math.Max(roundTrip, LeastRoundTrip))
        {
            growth = Math.Clamp(most, 0, Size);
            Size += growth;
        }

        _renewedAt = now;
        Limit = _consumed + Size;
        return growth;
    }
}
