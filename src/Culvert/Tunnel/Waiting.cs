using System;

namespace Culvert.Tunnel;

/// <summary>The exit is away; the next attempt comes in a while.</summary>
/// <param name="Rules">How patient to be.</param>
/// <param name="LastProbe">The highest number of a probe given so far.</param>
/// <param name="Attempt">Attempts in a row that have failed.</param>
/// <param name="Since">When the last one failed.</param>
/// <param name="Until">When the next one begins.</param>
/// <param name="Why">What the last one met.</param>
internal sealed record Waiting(Patience Rules, int LastProbe, int Attempt, TimeSpan Since, TimeSpan Until, string Why) : Phase(Rules, 0, LastProbe)
{
    public override TimeSpan Deadline => Until;

    protected override Phase On(in News news, TimeSpan now) => news.Kind switch
    {
        NewsKind.Time when now >= Until => Again(Attempt, now),
        NewsKind.NetworkChanged => Again(0, now),
        NewsKind.Wanted when now >= WantedUntil => Again(Attempt, now),
        NewsKind.Wanted when Until > WantedUntil => this with { Until = WantedUntil },
        _ => this,
    };

    private TimeSpan WantedUntil => Since + Rules.WaitWhenWanted(Attempt);

    private Connecting Again(int attempt, TimeSpan now) => new(Rules, LastProbe + 1, attempt, now);
}
