using System;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Net;
using Culvert.Tests.Simulation.Wire;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>ICMP echo, answered and refused.</summary>
public sealed class Pings
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PingsOfEverySizeAreAnsweredWithTheirOwnPayload(bool v4) => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.EchoDelay = 20_000;
        int[] sizes = [0, 1, 56, 1_400, 1_472, 1_473, 8_000, 60_000];
        for (ushort i = 0; i < sizes.Length; i++)
        {
            byte[] payload = new byte[sizes[i]];
            Pattern.Fill(payload, i, 0);
            setup.Host.Ping(v4 ? Setup.Web4.Address : Setup.Web6.Address, 77, i, payload);
            world.RunFor(1_000_000);
            Assert.Equal(i + 1, setup.Host.EchoReplies.Count);
            IcmpMessage reply = setup.Host.EchoReplies[i];
            Assert.Equal((77u << 16) | i, reply.Word);
            Assert.Equal(v4 ? Setup.Web4.Address : Setup.Web6.Address, reply.Source);
            Assert.True(reply.Rest.Span.SequenceEqual(payload), $"{sizes[i]} bytes came back changed");
        }

        setup.Rest();
    });

    [Theory]
    [InlineData(true, 3, 1)]
    [InlineData(false, 1, 3)]
    public void ARefusedPingIsToldByIcmp(bool v4, byte type, byte code) => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.EchoRefusal = Refusal.HostUnreachable;
        setup.Host.Ping(v4 ? Setup.Web4.Address : Setup.Web6.Address, 77, 1, new byte[56]);
        world.RunFor(1_000_000);
        IcmpMessage error = Assert.Single(setup.Host.Errors);
        Assert.Equal((type, code), (error.Type, error.Code));
        setup.Rest();
    });

    [Fact]
    public void AFloodOfPingsHoldsABoundedNumberOfBuffers() => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.EchoDelay = 5_000_000;
        for (int i = 0; i < 20_000; i++)
        {
            setup.Host.Ping(Setup.Web4.Address, 1, (ushort)i, new byte[56]);
        }

        world.RunFor(1_000_000);
        Assert.InRange(setup.Stack.Pool.Outstanding, 1, 5_000);
        setup.Rest();
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void SpoiltPingsGetNoWrongAnswer(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Corrupt = 0.5 });
        byte[] payload = new byte[100];
        Pattern.Fill(payload, 5, 0);
        for (ushort i = 0; i < 500; i++)
        {
            setup.Host.Ping(Setup.Web4.Address, 1, i, payload);
        }

        world.RunFor(1_000_000);
        Assert.InRange(setup.Host.EchoReplies.Count, 50, 250);
        Assert.All(setup.Host.EchoReplies, reply => Assert.True(reply.Rest.Span.SequenceEqual(payload)));
        setup.Rest();
    });
}
