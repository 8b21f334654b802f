namespace Culvert.Tests.Simulation.Net;

/// <summary>How one direction of the network treats packets. Times in microseconds, probabilities from 0 to 1.</summary>
internal sealed record PipeOptions
{
    public static readonly PipeOptions Perfect = new();

    public long Delay { get; init; } = 50;

    /// <summary>Up to so much more delay for each packet, order kept.</summary>
    public long Jitter { get; init; }

    /// <summary>Bits a second; 0 for no limit.</summary>
    public long Rate { get; init; }

    /// <summary>Bytes that wait for the rate before the tail is dropped.</summary>
    public long Queue { get; init; } = 1 << 20;

    public double Loss { get; init; }

    /// <summary>Chance for each packet that a burst of losses begins with it.</summary>
    public double Burst { get; init; }

    /// <summary>Packets a burst takes at most.</summary>
    public int BurstLength { get; init; } = 8;

    /// <summary>Chance that a packet is held back, and overtaken by those behind it.</summary>
    public double Reorder { get; init; }

    /// <summary>A packet held back comes up to so much later.</summary>
    public long ReorderDelay { get; init; } = 20_000;

    public double Duplicate { get; init; }

    /// <summary>Chance that up to 15 bits in a row are flipped, which the Internet checksum always notices.</summary>
    public double Corrupt { get; init; }

    public int Mtu { get; init; } = 1500;
}
