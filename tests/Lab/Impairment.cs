using System;

namespace Culvert.Tests.Lab;

/// <summary>What happens to the packets of an impaired path; the default is nothing. Applies to each direction on its own.</summary>
public sealed record Impairment
{
    /// <summary>No impairment at all.</summary>
    public static readonly Impairment None = new();

    /// <summary>One-way delay of every packet.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Up to this much more delay, uniform; packets keep their order.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Share of packets lost, 0 to 1.</summary>
    public double Loss { get; init; }

    /// <summary>Share of packets that are held back by <see cref="ReorderBy"/> and so overtaken, 0 to 1.</summary>
    public double Reorder { get; init; }

    /// <summary>How long a reordered packet is held back.</summary>
    public TimeSpan ReorderBy { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Share of packets delivered twice, 0 to 1.</summary>
    public double Duplicate { get; init; }

    /// <summary>Bits per second; 0: no limit.</summary>
    public long Rate { get; init; }

    /// <summary>Bytes that may wait for their turn at <see cref="Rate"/>; a packet beyond them is lost.</summary>
    public int Queue { get; init; } = 256 * 1024;

    /// <summary>IP packets longer than this vanish without a word (a path MTU black hole); 0: none.</summary>
    public int MtuHole { get; init; }

    /// <summary>The path is down: everything vanishes.</summary>
    public bool Down { get; init; }
}
