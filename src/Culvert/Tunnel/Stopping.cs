using System;

namespace Culvert.Tunnel;

/// <summary>The end: nothing is asked any more, and nothing is carried.</summary>
/// <param name="Rules">As ever.</param>
/// <param name="LastProbe">The highest number of a probe given so far.</param>
internal sealed record Stopping(Patience Rules, int LastProbe) : Phase(Rules, 0, LastProbe)
{
    public override TimeSpan Deadline => TimeSpan.MaxValue;

    protected override Phase On(in News news, TimeSpan now) => this;
}
