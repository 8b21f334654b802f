using System;

namespace Culvert.Tunnel;

/// <summary>The exit works; it is asked again and again whether it still does.</summary>
/// <param name="Rules">How patient to be.</param>
/// <param name="Probe">Number of the check under way; 0 for none.</param>
/// <param name="LastProbe">The highest number given so far.</param>
/// <param name="Due">When the next check is to begin, or the one under way counts as failed.</param>
/// <param name="RoundTrip">How long the exit took to answer last.</param>
/// <param name="Misses">Checks in a row that have failed.</param>
internal sealed record Connected(Patience Rules, int Probe, int LastProbe, TimeSpan Due, TimeSpan RoundTrip, int Misses) : Phase(Rules, Probe, LastProbe)
{
    /// <summary>Why the check under way was begun.</summary>
    public override Occasion Occasion => Asked;

    private Occasion Asked { get; init; }

    public override TimeSpan Deadline => Due;

    public override bool IsOpen => true;

    protected override Phase On(in News news, TimeSpan now)
    {
        bool missed = news.Kind == NewsKind.Failed || (news.Kind == NewsKind.Time && now >= Due && Probe != 0);
        return news.Kind switch
        {
            NewsKind.Answered => this with { Probe = 0, Due = now + Rules.Options.CheckInterval, RoundTrip = news.RoundTrip, Misses = 0 },
            _ when missed && Misses + 1 >= Rules.Options.ChecksToFail => new Connecting(Rules, LastProbe + 1, 0, now),
            _ when missed => Ask(Occasion.Doubt, now) with { Misses = Misses + 1 },
            NewsKind.Time when now >= Due => Ask(Occasion.Routine, now),
            NewsKind.Carried => Misses == 0 ? this : this with { Misses = 0 },
            NewsKind.NetworkChanged or NewsKind.Wanted when Probe == 0 => Ask(Occasion.Doubt, now),
            _ => this,
        };
    }

    private Connected Ask(Occasion why, TimeSpan now) => this with
    {
        Asked = why,
        Probe = LastProbe + 1,
        LastProbe = LastProbe + 1,
        Due = now + Rules.Options.CheckLimit,
    };
}
