using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>How connections end: by halves, at once from both sides, by a reset at any moment, or not at all.</summary>
public sealed class Closing
{
    public static TheoryData<ulong> FewSeeds => Seeds.First(20);

    public static TheoryData<ulong> ManySeeds => Seeds.First(100);

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void TheApplicationFinishesFirstAndStillGetsEverything(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 10_000, Loss = 0.02 });
        setup.Stack.Script = _ => new ExitScript { Sends = 200_000, Finishing = Finishing.AfterPeer, WriteChunk = 1_000 };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { Sends = 100 });
        setup.Finish([client]);
        Assert.Equal(200_000, client.Received);
        Assert.Equal(TcpCloseReason.Finished, setup.Stack.Flows[0].Closed);
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void TheExitFinishesFirstAndStillGetsEverything(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 10_000, Loss = 0.02 });
        setup.Stack.Script = _ => new ExitScript { Sends = 100 };
        TestTcp client = setup.Host.Connect(Setup.Web6, new TcpHabits { Sends = 200_000, Finishing = Finishing.AfterPeer });
        setup.Finish([client]);
        Assert.Equal(200_000, setup.Stack.Flows[0].Read);
        Assert.Equal(TcpCloseReason.Finished, setup.Stack.Flows[0].Closed);
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void BothFinishAtTheSameInstant(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 10_000, Loss = (seed % 5) * 0.05 }, options: new StackOptions { TimeWait = 600_000_000 });
        setup.Stack.Script = _ => new ExitScript();
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits());
        setup.Finish([client]);
        Assert.True(client.PeerFinished && client.OwnFinAcknowledged);
        Assert.Equal(TcpCloseReason.Finished, setup.Stack.Flows[0].Closed);
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void AnEchoingExitSendsEverythingBack(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 2_000, Loss = 0.01, Reorder = 0.05 });
        setup.Stack.Script = _ => new ExitScript { Echo = true };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { Sends = 300_000, DownSeed = 1 });
        setup.Finish([client]);
        Assert.Equal(300_000, client.Received);
    });

    [Theory]
    [MemberData(nameof(ManySeeds))]
    public void TheApplicationMayResetAtAnyMoment(ulong seed) => World.Simulate(seed, world =>
    {
        PipeOptions weather = new() { Delay = 5_000, Jitter = 3_000, Loss = seed % 3 * 0.03 };
        Setup setup = new(world, weather, weather with { Loss = 0 }, new StackOptions { Offloads = seed % 2 == 0 });
        setup.Stack.Script = _ => new ExitScript { Sends = 500_000, ConnectDelay = 20_000, Finishing = Finishing.AfterPeer };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { Sends = 500_000, Finishing = Finishing.AfterPeer });
        world.At(world.Now + world.Random.Between(6_000, 150_000), client.Reset);
        setup.Finish([client]);
        Assert.True(client.HasReset);
        Assert.All(setup.Stack.Flows, flow => Assert.True(flow.Closed is TcpCloseReason.PeerReset or TcpCloseReason.TimedOut, $"closed as {flow.Closed}")); // none when the SYN was lost
    });

    [Theory]
    [MemberData(nameof(ManySeeds))]
    public void TheExitMayAbortAtAnyMoment(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 5_000, Jitter = 3_000, Loss = (seed % 3) * 0.03 }, options: new StackOptions { Offloads = seed % 2 == 0 });
        long limit = world.Random.Between(1, 900_000);
        setup.Stack.Script = _ => new ExitScript { Sends = 500_000, AbortAfter = limit, Finishing = Finishing.AfterPeer };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { Sends = 500_000, Finishing = Finishing.AfterPeer });
        setup.Finish([client]);
        Assert.True(client.WasReset || client.WasRefused, "the application is not told of the abort");
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void AnApplicationThatVanishesTimesOut(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 1_000 });
        setup.Stack.Script = _ => new ExitScript { Sends = 5_000_000, Finishing = Finishing.Never };
        setup.Host.Connect(Setup.Web4, new TcpHabits { Finishing = Finishing.Never });
        world.At(world.Now + world.Random.Between(2_500, 40_000), () =>
        {
            setup.Up.Options = setup.Up.Options with { Loss = 1 };
            setup.Down.Options = setup.Down.Options with { Loss = 1 };
        });
        Assert.True(world.Run(() => setup.Stack.Flows.Count > 0 && setup.Stack.Flows[0].IsReleased, 3 * 3_600));
        Assert.Equal(TcpCloseReason.TimedOut, setup.Stack.Flows[0].Closed);
        setup.Rest();
    });

    [Fact]
    public void AnIdleApplicationThatVanishesIsNoticedByKeepAlive() => World.Simulate(1, world =>
    {
        Setup setup = new(world, options: new StackOptions { KeepAlive = 60_000_000 });
        setup.Stack.Script = _ => new ExitScript { Finishing = Finishing.Never };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { Finishing = Finishing.Never });
        world.RunFor(3_600_000_000);
        Assert.Null(setup.Stack.Flows[0].Closed); // it answers the probes
        Assert.False(client.IsDead);
        setup.Up.Options = setup.Up.Options with { Loss = 1 };
        Assert.True(world.Run(() => setup.Stack.Flows[0].IsReleased));
        Assert.Equal(TcpCloseReason.TimedOut, setup.Stack.Flows[0].Closed);
        setup.Rest();
    });
}
