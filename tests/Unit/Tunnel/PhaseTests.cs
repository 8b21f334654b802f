using System;
using System.Collections.Generic;
using System.Linq;
using Culvert.Tunnel;
using Xunit;

namespace Culvert.Tests.Unit.Tunnel;

/// <summary>The supervisor's states, with time as a number.</summary>
public sealed class PhaseTests
{
    private static readonly SupervisionOptions Options = new();
    private static readonly Patience Rules = new(Options, 7);

    private static TimeSpan Second(double seconds) => TimeSpan.FromSeconds(seconds);

    private static Phase Up(TimeSpan now) => Phase.Begin(Rules, now).After(new News(NewsKind.Answered, 1, Second(0.02)), now);

    [Fact]
    public void AnAnswerOpensTheTunnelAndTellsTheRoundTrip()
    {
        Connected connected = Assert.IsType<Connected>(Up(Second(1)));
        Assert.True(connected.IsOpen);
        Assert.Equal(Second(0.02), connected.RoundTrip);
        Assert.Equal(0, connected.Probe);
    }

    [Fact]
    public void WaitsDoubleFromOneSecondToThirtyWithJitterAndNeverEnd()
    {
        Phase phase = Phase.Begin(Rules, default);
        List<double> waits = [];
        TimeSpan now = default;
        for (int i = 0; i < 200; i++)
        {
            phase = phase.After(new News(NewsKind.Failed, phase.Probe, Why: "no"), now);
            Waiting waiting = Assert.IsType<Waiting>(phase);
            waits.Add((waiting.Until - now).TotalSeconds);
            now = waiting.Until;
            phase = Assert.IsType<Connecting>(phase.After(new News(NewsKind.Time), now));
        }

        Assert.Equal(1, waits[0]);
        Assert.All(waits, static wait => Assert.InRange(wait, 1, 30));
        Assert.All(waits.Skip(6), static wait => Assert.InRange(wait, 15, 30));
        Assert.True(waits.Skip(6).Distinct().Count() > 100, "the waits must differ, or all clients come back at once");
    }

    [Fact]
    public void ADeadTunnelIsNoticedWithinTenSecondsOfItsLastAnswer()
    {
        Phase phase = Up(default);
        TimeSpan now = default;
        while (phase.IsOpen)
        {
            now = phase.Deadline;
            phase = phase.After(new News(NewsKind.Time), now);
        }

        Assert.InRange(now, Second(1), Second(10));
        Assert.NotEqual(0, phase.Probe);
    }

    [Fact]
    public void OneLostCheckIsNoOutageWhenTheNextIsAnswered()
    {
        Phase phase = Up(default);
        phase = phase.After(new News(NewsKind.Time), phase.Deadline);
        phase = phase.After(new News(NewsKind.Failed, phase.Probe, Why: "lost"), Second(3));
        Assert.True(phase.IsOpen);
        phase = phase.After(new News(NewsKind.Answered, phase.Probe, Second(0.5)), Second(4));
        Assert.Equal(0, Assert.IsType<Connected>(phase).Misses);
    }

    [Fact]
    public void WhoAsksSaysWhetherItIsTimeOrDoubt()
    {
        Phase up = Up(default);
        Phase routine = up.After(new News(NewsKind.Time), up.Deadline);
        Assert.Equal(Occasion.Routine, routine.Occasion);
        Assert.Equal(Occasion.Doubt, routine.After(new News(NewsKind.Failed, routine.Probe, Why: "lost"), Second(3)).Occasion);
        Assert.Equal(Occasion.Doubt, up.After(new News(NewsKind.NetworkChanged), Second(1)).Occasion);
        Assert.Equal(Occasion.Doubt, up.After(new News(NewsKind.Wanted), Second(1)).Occasion);
        Assert.Equal(Occasion.Away, Phase.Begin(Rules, default).Occasion);
    }

    [Fact]
    public void AChangeOfTheNetworkEndsAWaitAtOnce()
    {
        Phase phase = new Waiting(Rules, 9, 12, Second(100), Second(130), "away");
        Connecting again = Assert.IsType<Connecting>(phase.After(new News(NewsKind.NetworkChanged), Second(101)));
        Assert.Equal(10, again.Probe);
        Assert.Equal(0, again.Attempt);
    }

    [Fact]
    public void SomebodyWhoWaitsShortensALongWait()
    {
        Phase phase = new Waiting(Rules, 9, 12, Second(100), Second(130), "away");
        Waiting shorter = Assert.IsType<Waiting>(phase.After(new News(NewsKind.Wanted), Second(100.2)));
        Assert.InRange(shorter.Until, Second(100.5), Second(101));
        Assert.IsType<Connecting>(phase.After(new News(NewsKind.Wanted), Second(101)));
    }

    [Fact]
    public void AnExitThatIsAwayForLongIsNotHammeredBySomebodyWhoWaits()
    {
        Phase phase = Phase.Begin(Rules, default);
        List<double> waits = [];
        TimeSpan now = default;
        while (now < Second(600))
        {
            phase = phase.After(new News(NewsKind.Failed, phase.Probe, Why: "no"), now).After(new News(NewsKind.Wanted), now);
            waits.Add((phase.Deadline - now).TotalSeconds);
            now = phase.Deadline;
            phase = phase.After(new News(NewsKind.Time), now);
        }

        Assert.All(waits.Take(60), static wait => Assert.InRange(wait, 0.5, 1));
        Assert.All(waits.Skip(60), static wait => Assert.InRange(wait, 2.5, 5));
        Assert.True(waits.Distinct().Count() > 100, "the waits must differ, or all clients come back at once");
    }

    [Fact]
    public void AFlappingLinkDoesNotStarveAnAttempt()
    {
        Phase phase = Phase.Begin(Rules, default);
        for (int i = 1; i < 5; i++)
        {
            phase = phase.After(new News(NewsKind.NetworkChanged), Second(0.1 * i));
        }

        Assert.Equal(1, phase.Probe);
        Assert.Equal(2, phase.After(new News(NewsKind.NetworkChanged), Second(0.6)).Probe);
    }

    [Fact]
    public void AnAnswerToAProbeThatWasGivenUpIsIgnored()
    {
        Phase phase = new Connecting(Rules, 5, 0, default);
        Assert.Same(phase, phase.After(new News(NewsKind.Answered, 4), Second(1)));
        Assert.Same(phase, phase.After(new News(NewsKind.Failed, 4), Second(1)));
    }

    [Fact]
    public void NothingBringsAStoppedTunnelBack()
    {
        Phase phase = Up(default).After(new News(NewsKind.Stop), Second(1));
        foreach (NewsKind kind in Enum.GetValues<NewsKind>())
        {
            phase = phase.After(new News(kind, phase.Probe), Second(2));
            Assert.IsType<Stopping>(phase);
            Assert.False(phase.IsOpen);
        }
    }

    /// <summary>
    /// A world with an exit that comes and goes, by a seed: whatever the schedule, waits stay in their limits, an exit that has gone is noticed within
    /// 10 s, and one that is back is used within the longest wait and one attempt (within 5 s and one attempt where somebody waits for it).
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhateverTheScheduleTheTunnelFollowsTheExit(bool wanted)
    {
        for (int seed = 0; seed < 300; seed++)
        {
            Follow(seed, wanted);
        }
    }

    private static void Follow(int seed, bool wanted)
    {
        Random random = new(seed);
        TimeSpan step = Second(0.05);
        TimeSpan now = default;
        bool alive = true;
        TimeSpan since = default;
        TimeSpan flip = Second(random.Next(1, 120));
        Phase phase = Phase.Begin(new Patience(Options, (ulong)seed), now);
        int asked = 0;
        TimeSpan answerAt = default;
        bool answer = false;
        for (; now < Second(600); now += step)
        {
            if (now >= flip)
            {
                alive = !alive;
                since = now;
                flip = now + Second(random.Next(1, 120));
            }

            if (phase.Probe != 0 && phase.Probe != asked)
            {
                asked = phase.Probe;
                answer = alive;
                // A dead exit refuses, or says nothing at all.
                answerAt = alive || random.Next(2) == 0 ? now + Second(random.NextDouble()) : TimeSpan.MaxValue;
            }

            if (phase.Probe == asked && asked != 0 && now >= answerAt)
            {
                phase = phase.After(new News(answer ? NewsKind.Answered : NewsKind.Failed, asked, Second(0.1), "away"), now);
                answerAt = TimeSpan.MaxValue;
            }

            if (random.Next(2000) == 0)
            {
                phase = phase.After(new News(NewsKind.NetworkChanged), now);
            }

            if (wanted)
            {
                phase = phase.After(new News(NewsKind.Wanted), now);
            }

            if (now >= phase.Deadline)
            {
                phase = phase.After(new News(NewsKind.Time), now);
            }

            TimeSpan settled = now - since;
            string moment = $"seed {seed}, {now.TotalSeconds:F2} s, {phase.GetType().Name}";
            Assert.True(phase.Deadline >= now && phase.Deadline - now <= Second(30.1), moment);
            Assert.False(!alive && phase.IsOpen && settled > Second(10), $"a dead exit was not noticed: {moment}");
            // An attempt that began before the exit came back runs into its limit first.
            TimeSpan limit = Options.ConnectLimit + (wanted ? Second(6) : Second(32));
            Assert.False(alive && !phase.IsOpen && settled > limit, $"the exit is back and not used: {moment}");
        }
    }
}
