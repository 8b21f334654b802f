using System;
using Culvert.Cli.Control;
using Culvert.Tunnel;
using Xunit;

namespace Culvert.Tests.Unit.Cli;

public sealed class StatusTextTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly TunnelStatus Status = new(
        "connected", "", "socks5://mary@proxy:1080", "culvert0", "virtual", Now.AddSeconds(-75), Now.AddSeconds(-70), TimeSpan.FromMilliseconds(23.4), 1_500_000, 999, 12, 2, true, false);

    [Fact]
    public void TheLineHasStateExitRatesRoundTripAndFlows()
    {
        Assert.True(StatusText.TryToLine(StatusText.ToJson(Status, new Rates(1200, 3_400_000)), out string line));
        Assert.Equal("connected · socks5://mary@proxy:1080 · ↑ 1.2 kB/s ↓ 3.4 MB/s · 23 ms · 12 flows", line);
    }

    [Fact]
    public void TheWholeStatusTellsForHowLongAndHowMuch()
    {
        Assert.True(StatusText.TryToLines(StatusText.ToJson(Status with { KillSwitch = true }, default), Now, out string lines));
        Assert.Contains("up for 1 min 15 s, 2 reconnects; ↑ 1.5 MB ↓ 999 B; kill switch on", lines, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatTheOtherSideSaysCannotSteerTheTerminal()
    {
        Assert.True(StatusText.TryToLine(StatusText.ToJson(Status with { State = "waiting", Why = "gone\u001b[2J\r\n" }, default), out string line));
        Assert.DoesNotContain('\u001b', line);
        Assert.DoesNotContain('\n', line);
        Assert.EndsWith("gone[2J", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"state\":1,\"rtt_ms\":null,\"why\":\"\",\"helper\":3}")]
    public void WhatIsNoStatusIsNotShown(string text) => Assert.False(StatusText.TryToLine(text, out _));

    [Fact]
    public void RatesAreOfTheLastInterval()
    {
        Clock clock = new();
        RateMeter meter = new(clock);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(new Rates(500, 50), meter.Read(1000, 100));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(new Rates(0, 900), meter.Read(1000, 1000));
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;
    }
}
