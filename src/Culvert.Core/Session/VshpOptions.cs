using System;

namespace Culvert.Core.Session;

/// <summary>Limits and habits of a <see cref="VshpSession"/>. Times in microseconds, sizes in bytes.</summary>
public sealed record VshpOptions
{
    /// <summary>The least window that a HELLO may offer a stream.</summary>
    public const int LeastStreamWindow = 1_024;

    /// <summary>The least window that a HELLO may offer all streams together.</summary>
    public const int LeastSessionWindow = 16_384;

    /// <summary>What we carry for the other side.</summary>
    public VshpCapabilities Capabilities { get; init; } = VshpCapabilities.Datagrams | VshpCapabilities.Resolve | VshpCapabilities.Echo | VshpCapabilities.Resume;

    /// <summary>Bytes unread that a stream may hold at first.</summary>
    public int StreamWindow { get; init; } = 128 << 10;

    /// <summary>What that grows to at most.</summary>
    public int MaxStreamWindow { get; init; } = 8 << 20;

    /// <summary>Bytes unread that all streams may hold at first.</summary>
    public int SessionWindow { get; init; } = 256 << 10;

    /// <summary>What that grows to at most; streams grow by half of it together.</summary>
    public int MaxSessionWindow { get; init; } = 32 << 20;

    /// <summary>Bytes written to a stream and not yet framed.</summary>
    public int SendBuffer { get; init; } = 256 << 10;

    /// <summary>The same over all streams; beyond, each has one small block.</summary>
    public int MaxSendBuffers { get; init; } = 16 << 20;

    /// <summary>Bytes kept until acknowledged, with 64 more for each frame; beyond, no lasting frame is sent.</summary>
    public int MaxUnacknowledged { get; init; } = 16 << 20;

    /// <summary>Streams and associations that the other side may have open; beyond, LimitReached.</summary>
    public int MaxFlows { get; init; } = 4_096;

    /// <summary>Questions that the other side may have unanswered; beyond, LimitReached.</summary>
    public int MaxExchanges { get; init; } = 256;

    /// <summary>Refusals that wait for the transport; beyond, the session ends.</summary>
    public int MaxRefusals { get; init; } = 1_024;

    /// <summary>Bytes of datagrams, echoes and packets that wait for the transport, in their blocks, and as many that wait as events; beyond, the oldest are dropped.</summary>
    public int MaxDatagramBytes { get; init; } = 1 << 20;

    /// <summary>Bytes of control messages that wait as events; beyond, the session ends.</summary>
    public int MaxControlBytes { get; init; } = 1 << 20;

    /// <summary>How long the session outlives its transport; whole seconds, at most 65,535 of them.</summary>
    public long ResumeWindow { get; init; } = 300_000_000;

    /// <summary>Less than 64 KiB is acknowledged after so long.</summary>
    public long AckDelay { get; init; } = 1_000_000;

    /// <summary>An idle transport is asked for a sign of life after so long.</summary>
    public long IdleHeartbeat { get; init; } = 300_000_000;

    /// <summary>One that owes an answer, after so long.</summary>
    public long Heartbeat { get; init; } = 5_000_000;

    /// <summary>It is given up so long after that.</summary>
    public long HeartbeatTimeout { get; init; } = 10_000_000;

    /// <summary>A transport on which nothing came of the other's greeting is given up after so long.</summary>
    public long GreetingTimeout { get; init; } = 10_000_000;

    /// <summary>The gateway's number, another after each start (below 2^53); 0 for a device.</summary>
    public ulong Instance { get; init; }

    /// <summary>What speaks, for people.</summary>
    public string Software { get; init; } = "culvert";

    /// <summary>Throws where a HELLO could not say it, or the other side would not take it.</summary>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(StreamWindow, LeastStreamWindow);
        ArgumentOutOfRangeException.ThrowIfLessThan(SessionWindow, LeastSessionWindow);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxFlows);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxExchanges);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxExchanges, ushort.MaxValue);
        ArgumentOutOfRangeException.ThrowIfNegative(ResumeWindow);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ResumeWindow, ushort.MaxValue * 1_000_000L);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(Instance, Number.Bound);
    }
}
