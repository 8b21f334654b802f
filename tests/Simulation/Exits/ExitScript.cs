using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Hosts;

namespace Culvert.Tests.Simulation.Exits;

/// <summary>What the far side of a connection does, in the way of the engine with an exit behind it. Times in microseconds.</summary>
internal sealed record ExitScript
{
    public long ConnectDelay { get; init; }

    /// <summary>How the connection is refused; null accepts it.</summary>
    public Refusal? Refusal { get; init; }

    public bool NeverAnswers { get; init; }

    /// <summary>Bytes to send; <see cref="long.MaxValue"/> for as long as it runs.</summary>
    public long Sends { get; init; }

    /// <summary>Sends back what it receives, and its FIN behind the peer's.</summary>
    public bool Echo { get; init; }

    public ulong UpSeed { get; init; } = 1;

    public ulong DownSeed { get; init; } = 2;

    public Finishing Finishing { get; init; } = Finishing.AfterSending;

    /// <summary>Bytes a second it takes; 0 takes at once.</summary>
    public long ReadRate { get; init; }

    /// <summary>Does not read before so long after the connection opened.</summary>
    public long ReadPause { get; init; }

    /// <summary>Writes at most so many bytes at a time.</summary>
    public int WriteChunk { get; init; } = int.MaxValue;

    /// <summary>Aborts when so much was read and written.</summary>
    public long? AbortAfter { get; init; }

    /// <summary>Releases the flow as soon as both directions are finished for it, not only when the stack calls it over.</summary>
    public bool ReleasesEarly { get; init; }
}
