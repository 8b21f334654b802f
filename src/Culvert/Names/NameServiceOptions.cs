using System;
using Culvert.Core.Dns;

namespace Culvert.Names;

/// <summary>The limits of a <see cref="NameService"/>.</summary>
public sealed record NameServiceOptions
{
    /// <summary>Most queries on their way at a time; further ones are answered with SERVFAIL at once.</summary>
    public int MaxInFlight { get; init; } = 512;

    /// <summary>How long one query may take in all, tries and connecting included; SERVFAIL then.</summary>
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>How long to wait for an answer by UDP before the query is sent again.</summary>
    public TimeSpan DatagramTryTimeout { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>How often a query is sent by UDP before TCP is tried.</summary>
    public int DatagramTries { get; init; } = 3;

    /// <summary>How long a connection or association to a DNS server stays open without a query on it.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Where fake addresses come from, and how many there are.</summary>
    public FakeAddressOptions Fakes { get; init; } = new();

    /// <summary>Domains that are reached outside the tunnel; null for none.</summary>
    public ExcludedNames? Excluded { get; init; }
}
