using System;

namespace Culvert.Tunnel;

/// <summary>The exit is being asked whether it is there.</summary>
/// <param name="Rules">How patient to be.</param>
/// <param name="Number">Number of the probe.</param>
/// <param name="Attempt">Attempts in a row that have failed before this one.</param>
/// <param name="Since">When this one began.</param>
internal sealed record Connecting(Patience Rules, int Number, int Attempt, TimeSpan Since) : Phase(Rules, Number, Number)
{
    public override TimeSpan Deadline => Since + Rules.Options.ConnectLimit;

    protected override Phase On(in News news, TimeSpan now) => news.Kind switch
    {
        NewsKind.Answered => new Connected(Rules, 0, LastProbe, now + Rules.Options.CheckInterval, news.RoundTrip, 0),
        NewsKind.Failed => Wait(news.Why, now),
        NewsKind.Time when now >= Deadline => Wait($"the exit did not answer within {Rules.Options.ConnectLimit.TotalSeconds:0.#} s", now),
        // What was sent the old way may be lost.
        NewsKind.NetworkChanged when now - Since >= Rules.Options.RestartInterval => new Connecting(Rules, LastProbe + 1, 0, now),
        _ => this,
    };

    private Waiting Wait(string why, TimeSpan now) => new(Rules, LastProbe, Attempt + 1, now, now + Rules.Wait(Attempt), why);
}
