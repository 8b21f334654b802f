using System;

namespace Culvert.Core.Session;

/// <summary>What whoever tries to pair may cost a gateway.</summary>
public sealed record PairLimits
{
    /// <summary>The usual ones.</summary>
    public static PairLimits Default { get; } = new();

    /// <summary>How long a one-time secret is good for.</summary>
    public TimeSpan Life { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Failed attempts after which a secret is void.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>Those of one address (IPv6: one /64, which is one customer) after which it is not listened to for as long as the secret is good.</summary>
    public int AttemptsPerAddress { get; init; } = 3;

    /// <summary>Pairings under way at a time.</summary>
    public int UnderWay { get; init; } = 8;

    /// <summary>The same from one address.</summary>
    public int UnderWayPerAddress { get; init; } = 2;

    /// <summary>How long one may take, persons included.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(5);
}
