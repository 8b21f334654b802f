using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using Culvert.Core;
using Culvert.Platform.Channel;
using Xunit;

namespace Culvert.Tests.Unit.Platform;

public sealed class TunnelStateTests
{
    private static readonly TunnelState Full = new()
    {
        Addresses = [new(IPAddress.Parse("198.18.0.2"), 32), new(IPAddress.Parse("fd43:756c:7665::2"), 64)],
        Inside = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8::/32")],
        Outside = [Bypass.To(IPAddress.Parse("198.51.100.10"), Bypass.Tcp, 1080), new(IPNetwork.Parse("192.0.2.0/24"))],
        EngineOutside = Bypass.Everywhere,
        Resolvers = [IPAddress.Parse("198.18.0.1"), IPAddress.Parse("fd43:756c:7665::1")],
        Engine = 1000,
        Lan = false,
        Ipv6 = false,
        CaptureDns = true,
        KillSwitch = true,
        CaptiveUntil = DateTimeOffset.FromUnixTimeSeconds(1_790_000_000),
        User = 1001,
    };

    public static TheoryData<TunnelState> States =>
    [
        new TunnelState(),
        Full,
        Full with { User = null, Group = 0, Addresses = [], Inside = [], CaptiveUntil = null },
        Full with { User = 0, Group = uint.MaxValue, KillSwitch = false, Lan = true, Ipv6 = true, CaptureDns = false },
    ];

    [Theory]
    [MemberData(nameof(States))]
    public void StateSurvivesTheChannel(TunnelState state)
    {
        byte[] bytes = state.ToBytes();
        Assert.True(TunnelState.TryRead(bytes, out TunnelState? read));
        Assert.Equal(bytes, read.ToBytes());
        Assert.Equal(state.Addresses, read.Addresses);
        Assert.Equal(state.Inside, read.Inside);
        Assert.Equal(state.Outside, read.Outside);
        Assert.Equal(state.EngineOutside, read.EngineOutside);
        Assert.Equal(state.Resolvers, read.Resolvers);
        Assert.Equal(
            (state.Engine, state.Lan, state.Ipv6, state.CaptureDns, state.KillSwitch, state.CaptiveUntil, state.User, state.Group),
            (read.Engine, read.Lan, read.Ipv6, read.CaptureDns, read.KillSwitch, read.CaptiveUntil, read.User, read.Group));
    }

    [Theory]
    [MemberData(nameof(States))]
    public void EveryTruncationAndAnythingBehindIsRefused(TunnelState state)
    {
        byte[] bytes = state.ToBytes();
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.False(TunnelState.TryRead(bytes.AsSpan(0, length), out _), $"{length} of {bytes.Length} bytes");
        }

        Assert.False(TunnelState.TryRead([.. bytes, 0], out _));
    }

    [Fact]
    public void WhateverIsReadIsWrittenTheSameWay()
    {
        Random random = new(4);
        byte[] original = Full.ToBytes();
        int accepted = 0;
        for (int i = 0; i < 50_000; i++)
        {
            byte[] bytes = [.. original];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            if (TunnelState.TryRead(bytes, out TunnelState? state))
            {
                accepted++;
                Assert.Equal(bytes, state.ToBytes());
            }
        }

        Assert.True(accepted > 300, "too few of the changed states are readable for this test to say much");
    }

    [Fact]
    public void PortWithoutProtocolAndHostBitsBehindThePrefixAreRefused()
    {
        Assert.False(TunnelState.TryRead((Full with { Outside = [new Bypass(IPNetwork.Parse("10.0.0.0/8"), 0, 80)] }).ToBytes(), out _));
        Assert.False(TunnelState.TryRead((Full with { Outside = [new Bypass(IPNetwork.Parse("10.0.0.0/8"), 1, 0)] }).ToBytes(), out _));
        byte[] bytes = (Full with { Addresses = [], Inside = [IPNetwork.Parse("10.0.0.0/8")] }).ToBytes();
        int inside = bytes.AsSpan().IndexOf(new byte[] { 4, 8, 10, 0, 0, 0 });
        bytes[inside + 5] = 1;
        Assert.False(TunnelState.TryRead(bytes, out _));
    }

    [Fact]
    public void MoreEntriesThanTheLimitAreRefusedBothWays()
    {
        List<Bypass> most = [.. Enumerable.Range(0, TunnelState.MaximumEntries).Select(n => Bypass.To(new IPAddress([10, 0, (byte)(n >> 8), (byte)n])))];
        byte[] bytes = (new TunnelState { Outside = most, EngineOutside = most }).ToBytes();
        Assert.True(TunnelState.TryRead(bytes, out _));
        CulvertException failure = Assert.Throws<CulvertException>(() => new TunnelState { Outside = [.. most, most[0]] }.ToBytes());
        Assert.Equal(FailureKind.LimitReached, failure.Kind);
    }

    [Fact]
    public void ChannelCarriesTheLargestState()
    {
        (HelperChannel engine, HelperChannel helper) = HelperChannel.Pair();
        using (engine)
        using (helper)
        {
            IPAddress v6 = IPAddress.Parse("2001:db8::1");
            Bypass[] most = [.. Enumerable.Repeat(Bypass.To(v6, Bypass.Tcp, 443), TunnelState.MaximumEntries)];
            TunnelState state = new()
            {
                Addresses = [.. Enumerable.Repeat(new LinkAddress(v6, 128), TunnelState.MaximumEntries)],
                Inside = [.. Enumerable.Repeat(new IPNetwork(v6, 128), TunnelState.MaximumEntries)],
                Outside = most,
                EngineOutside = most,
                Resolvers = [.. Enumerable.Repeat(v6, TunnelState.MaximumEntries)],
            };
            Assert.True(engine.Send(state));
            Assert.Equal(HelperMessageKind.Set, helper.ReceiveRequest(out TunnelState? received)!.Value.Kind);
            Assert.Equal(state.ToBytes(), received!.ToBytes());
            engine.Send(new HelperMessage(HelperMessageKind.Open, "culvert0", 1500));
            Assert.Equal(("culvert0", 1500), helper.ReceiveRequest(out received) is { Kind: HelperMessageKind.Open } open ? (open.Text, open.Number) : default);
            Assert.Null(received);
            engine.EndSending();
            Assert.Null(helper.ReceiveRequest(out _));
        }
    }
}
