using System;

namespace Culvert.Tests.Simulation.Hosts;

/// <summary>When an end sends its FIN.</summary>
internal enum Finishing
{
    /// <summary>Behind its last byte.</summary>
    AfterSending,

    /// <summary>Behind its last byte, but not before the other end's FIN has come.</summary>
    AfterPeer,

    Never,
}

/// <summary>What a peer does that it should not.</summary>
[Flags]
internal enum Mischief
{
    None = 0,

    /// <summary>Sends beyond the window it was given.</summary>
    IgnoresWindow = 1,

    /// <summary>Now and then sends acknowledged bytes again, with other content.</summary>
    RewritesHistory = 2,

    /// <summary>Now and then acknowledges what was never sent.</summary>
    AcknowledgesUnsent = 4,

    /// <summary>Takes back window it had offered.</summary>
    ShrinksWindow = 8,

    /// <summary>Cuts its stream into segments of 1 to 40 bytes.</summary>
    TinySegments = 16,

    /// <summary>Now and then sends an RST that is in the window, but not at its edge.</summary>
    ResetsInWindow = 32,

    /// <summary>Now and then sends a SYN in the window.</summary>
    SynchronizesInWindow = 64,

    /// <summary>Now and then sends a segment with an old timestamp and other content.</summary>
    OldTimestamps = 128,

    /// <summary>Sends segments again that overlap new ones, at cuts of its own.</summary>
    Overlaps = 256,
}

/// <summary>How a test's TCP client behaves. Times in microseconds.</summary>
internal sealed record TcpHabits
{
    public int? Mss { get; init; }

    public byte? Scale { get; init; } = 7;

    public bool Sack { get; init; } = true;

    public bool Timestamps { get; init; } = true;

    public bool DelayedAck { get; init; } = true;

    public int ReceiveBuffer { get; init; } = 1 << 20;

    public uint? InitialSequence { get; init; }

    public long MinimumRto { get; init; } = 200_000;

    /// <summary>Bytes to send; <see cref="long.MaxValue"/> for as long as it runs.</summary>
    public long Sends { get; init; }

    public ulong UpSeed { get; init; } = 1;

    public ulong DownSeed { get; init; } = 2;

    public Finishing Finishing { get; init; } = Finishing.AfterSending;

    /// <summary>Bytes a second the application reads; 0 reads at once.</summary>
    public long ReadRate { get; init; }

    /// <summary>The application does not read before so long after the connection opened: the window closes.</summary>
    public long ReadPause { get; init; }

    /// <summary>Resets the connection when so much was received or acknowledged.</summary>
    public long? ResetAfter { get; init; }

    public Mischief Mischief { get; init; }
}
