using System;

namespace Culvert.Flows;

/// <summary>Limits of a relay between two connections.</summary>
public sealed record RelayOptions
{
    /// <summary>The usual limits.</summary>
    public static RelayOptions Default { get; } = new();

    /// <summary>With no byte either way for so long, both connections are reset. As long as a NAT must keep a connection (RFC 5382, REQ-5: over 2 h).</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromHours(2.5);

    /// <summary>The same once one side has finished sending: a peer that went away without a word is often found like this.</summary>
    public TimeSpan HalfClosedTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Bytes read at a time, and so the most the relay holds in each direction.</summary>
    public int BufferSize { get; init; } = 64 * 1024;

    /// <summary>The clock of the time-outs.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
