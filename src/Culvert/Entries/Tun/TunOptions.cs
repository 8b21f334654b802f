using System;
using Culvert.Core.Stack;

namespace Culvert.Entries.Tun;

/// <summary>Limits and habits of a <see cref="TunEntry"/>.</summary>
public sealed record TunOptions
{
    /// <summary>Limits of the stack; its MTU and offloads are taken from the link.</summary>
    public StackOptions Stack { get; init; } = new();

    /// <summary>
    /// Drive the exit's plain sockets on the link's own loop, where the link can (Linux). Off, they go the portable way that all other
    /// connections go; for comparison, and in doubt. The environment's CULVERT_SOCKETS=portable turns it off as well.
    /// </summary>
    public bool DriveSockets { get; init; } = Environment.GetEnvironmentVariable("CULVERT_SOCKETS") != "portable";

    /// <summary>A connection silent both ways for so long is reset (RFC 5382 REQ-5: not under 2 hours 4 minutes).</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(124);

    /// <summary>The same once one side has finished sending (RFC 5382 REQ-5: not under 4 minutes).</summary>
    public TimeSpan HalfClosedTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Pings under way at a time; more are dropped, as a busy network would.</summary>
    public int MaxEchoes { get; init; } = 256;

    /// <summary>A ping without an answer for so long is forgotten.</summary>
    public TimeSpan EchoTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Datagrams of one UDP flow that wait for the exit at a time, a run in one packet of the link counting as one; more are dropped.</summary>
    public int MaxWaitingDatagrams { get; init; } = 64;

    /// <summary>Bytes of memory that datagrams waiting for the exit may hold, over all flows; more are dropped.</summary>
    public int MaxWaitingBytes { get; init; } = 8 << 20;

    /// <summary>Associations of one UDP flow at a time: one for all addresses, and one for each name it talks to; the oldest goes.</summary>
    public int MaxAssociations { get; init; } = 64;

    /// <summary>DNS queries over UDP under way at a time, over all flows; more are dropped, and the resolver tries again.</summary>
    public int MaxQueries { get; init; } = 512;
}
