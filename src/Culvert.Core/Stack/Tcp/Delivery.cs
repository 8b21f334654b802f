namespace Culvert.Core.Stack.Tcp;

/// <summary>What one ACK told about segments that had not been known to have arrived.</summary>
internal struct Delivery
{
    /// <summary>Bytes newly acknowledged or SACKed.</summary>
    public int Bytes;

    /// <summary>Bytes of these that were SACKed.</summary>
    public int SackedBytes;

    /// <summary>When the first of those sent only once was sent; -1 when there is none. The round-trip sample, delayed ACK included.</summary>
    public long FirstSentAt;

    /// <summary>
    /// Something that was sent again is acknowledged, too: what was sent only once may have arrived long ago, and have waited for it. Measuring that would
    /// make time-outs of time-outs.
    /// </summary>
    public bool Ambiguous;

    /// <summary>When the last one of those was sent, -1 for none: the round trip without the peer's delay.</summary>
    public long LastSentAt;

    /// <summary>A segment sent only once arrived behind one sent later: the path reorders (RFC 8985 section 6.2 step 3).</summary>
    public bool Reordered;

    /// <summary>Something was SACKed before this ACK, up to <see cref="HighestSackedBefore"/>.</summary>
    public bool HadSacked;
    public uint HighestSackedBefore;

    /// <summary>The most recently sent of all, for RACK; <see cref="RackSentAt"/> is -1 when there is none.</summary>
    public long RackSentAt;
    public uint RackEnd;
    public bool RackRetransmitted;
}
