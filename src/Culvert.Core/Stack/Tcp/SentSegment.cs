using System;

namespace Culvert.Core.Stack.Tcp;

/// <summary>What became of a sent segment.</summary>
[Flags]
internal enum SentFlags : byte
{
    None = 0,

    /// <summary>The peer has it, out of order (RFC 2018).</summary>
    Sacked = 1,

    /// <summary>Taken for lost and not yet sent again.</summary>
    Lost = 2,

    /// <summary>Sent more than once.</summary>
    Retransmitted = 4,
}

/// <summary>A piece of the sequence space as it was last sent; a super-segment until the peer's SACKs cut it.</summary>
internal struct SentSegment
{
    public uint Start;
    public uint End;
    public long SentAt;
    public SentFlags Flags;

    public readonly int Length => Seq.Distance(Start, End);

    public readonly bool Has(SentFlags flag) => (Flags & flag) != 0;
}
