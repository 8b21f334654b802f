using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>Honest connects: the application learns of its exit's answer when it comes, and as it was.</summary>
public sealed class Refusals
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AConnectionOpensWhenTheExitHasConnectedAndNotBefore(bool v4) => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.Script = _ => new ExitScript { ConnectDelay = 2_500_000 };
        TestTcp client = setup.Host.Connect(v4 ? Setup.Web4 : Setup.Web6, new TcpHabits());
        setup.Finish([client]);
        Assert.Equal(2_500_000 + 100, client.ConnectedAt - client.Opened);
        Assert.Single(setup.Stack.Flows); // the repeated SYN opened no second flow
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARefusedConnectionIsReset(bool v4) => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.Script = _ => new ExitScript { ConnectDelay = 30_000, Refusal = Refusal.Refused };
        TestTcp client = setup.Host.Connect(v4 ? Setup.Web4 : Setup.Web6, new TcpHabits());
        setup.Finish([client]);
        Assert.True(client.WasRefused);
        Assert.Equal(30_100, world.Now - client.Opened - 1_000_000_000);
    });

    [Theory]
    [InlineData(Refusal.HostUnreachable, true, 3, 1)]
    [InlineData(Refusal.HostUnreachable, false, 1, 3)]
    [InlineData(Refusal.NetworkUnreachable, true, 3, 0)]
    [InlineData(Refusal.NetworkUnreachable, false, 1, 0)]
    [InlineData(Refusal.Prohibited, true, 3, 13)]
    [InlineData(Refusal.Prohibited, false, 1, 1)]
    public void AnUnreachableDestinationIsToldByIcmp(object refusal, bool v4, byte type, byte code) => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.Script = _ => new ExitScript { ConnectDelay = 30_000, Refusal = (Refusal)refusal };
        TestTcp client = setup.Host.Connect(v4 ? Setup.Web4 : Setup.Web6, new TcpHabits());
        setup.Finish([client]);
        Assert.Equal((type, code), client.Unreachable);
    });

    [Fact]
    public void ASilentRefusalLeavesTheApplicationToItsOwnTimeOut() => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.Script = _ => new ExitScript { Refusal = Refusal.Silent };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits());
        setup.Finish([client]);
        Assert.True(client.HasTimedOut);
        Assert.Equal(0, setup.Down.Sent);
    });

    [Fact]
    public void AnApplicationThatGivesUpWhileTheExitConnectsEndsTheFlow() => World.Simulate(1, world =>
    {
        Setup setup = new(world);
        setup.Stack.Script = _ => new ExitScript { NeverAnswers = true };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits());
        world.RunFor(100_000);
        client.Reset();
        setup.Finish([client]);
        Assert.Equal(TcpCloseReason.PeerReset, setup.Stack.Flows[0].Closed);
    });

    [Fact]
    public void ALostSynAckIsSentAgain() => World.Simulate(1, world =>
    {
        Setup setup = new(world, PipeOptions.Perfect, PipeOptions.Perfect with { Loss = 1 });
        setup.Stack.Script = _ => new ExitScript { Sends = 10 };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits());
        world.RunFor(900_000);
        setup.Down.Options = PipeOptions.Perfect;
        setup.Finish([client]);
        Assert.Equal(10, client.Received);
        Assert.InRange(client.ConnectedAt!.Value - client.Opened, 1_000_000, 1_001_000);
    });
}
