using System.Runtime.CompilerServices;

namespace Culvert.Core.Packets;

/// <summary>Bytes received out of order: from <paramref name="Left"/> up to, not including, <paramref name="Right"/> (RFC 2018).</summary>
internal readonly record struct SackBlock(uint Left, uint Right);

/// <summary>As many SACK blocks as a TCP header has room for.</summary>
[InlineArray(Capacity)]
internal struct SackBlocks
{
    public const int Capacity = 4;

    private SackBlock _first;
}
