using System;
using System.Collections.Generic;
using System.Net;

namespace Culvert.Entries;

/// <summary>How a <see cref="ProxyEntry"/> listens.</summary>
public sealed record ProxyEntryOptions
{
    /// <summary>The usual port of a SOCKS proxy.</summary>
    public const int DefaultPort = 1080;

    /// <summary>Where it listens; port 0 takes a free one.</summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [new IPEndPoint(IPAddress.Loopback, DefaultPort)];

    /// <summary>What clients must prove; null lets everybody in, which only loopback addresses may.</summary>
    public ProxyCredentials? Credentials { get; init; }

    /// <summary>Its limits.</summary>
    public EntryLimits Limits { get; init; } = EntryLimits.Default;

    /// <summary>Told, as a sentence, what went wrong on our side; null tells nobody.</summary>
    public Action<string>? Warn { get; init; }
}
