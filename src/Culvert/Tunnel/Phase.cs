using System;

namespace Culvert.Tunnel;

/// <summary>
/// A state of the supervisor. Pure: news and the time in, the next state out; what is to be done stands in the state itself (the probe that should be
/// under way, the time at which it wants to hear of the time again), so that the shell around it decides nothing.
/// </summary>
/// <param name="Rules">How patient to be.</param>
/// <param name="Probe">Number of the probe that should be under way; 0 for none. A number that was not seen before means a new one.</param>
/// <param name="LastProbe">The highest number given so far.</param>
internal abstract record Phase(Patience Rules, int Probe, int LastProbe)
{
    /// <summary>When <see cref="NewsKind.Time"/> is due at the latest; <see cref="TimeSpan.MaxValue"/> for never.</summary>
    public abstract TimeSpan Deadline { get; }

    /// <summary>Flows may go to the exit.</summary>
    public virtual bool IsOpen => false;

    /// <summary>Why the probe under way was begun.</summary>
    public virtual Occasion Occasion => Occasion.Away;

    /// <summary>The state after <paramref name="news"/>.</summary>
    public Phase After(in News news, TimeSpan now) => news.Kind switch
    {
        NewsKind.Stop => new Stopping(Rules, LastProbe),
        // An answer to a probe that was given up says nothing about now.
        NewsKind.Answered or NewsKind.Failed when news.Probe != Probe => this,
        _ => On(news, now),
    };

    /// <summary>The state after news that concern this one.</summary>
    protected abstract Phase On(in News news, TimeSpan now);

    /// <summary>The first state: the exit has just answered its first probe, or is still to be asked.</summary>
    public static Phase Begin(Patience rules, TimeSpan now) => new Connecting(rules, 1, 0, now);
}
