using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>Readers that do not read: windows shut, stay shut, and open again, and nothing is lost or held beyond the limits.</summary>
public sealed class Starvation
{
    public static TheoryData<ulong> FewSeeds => Seeds.First(20);

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void ASlowApplicationGetsEverything(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 1_000, Loss = (seed % 4) * 0.03 }, options: new StackOptions { Offloads = seed % 3 == 0 });
        setup.Stack.Script = _ => new ExitScript { Sends = 300_000 };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { ReceiveBuffer = (int)world.Random.Between(1_000, 20_000), ReadRate = 50_000 });
        setup.Finish([client]);
        Assert.Equal(300_000, client.Received);
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void AWindowShutForMinutesOpensAgain(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 1_000, Loss = (seed % 4) * 0.05 });
        setup.Stack.Script = _ => new ExitScript { Sends = 100_000 };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { ReceiveBuffer = 10_000, ReadPause = 600_000_000 });
        setup.Finish([client]);
        Assert.Equal(100_000, client.Received);
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void ASlowExitHoldsTheApplicationBackWithinItsBuffer(ulong seed) => World.Simulate(seed, world =>
    {
        const int Buffer = 64 * 1024;
        Setup setup = new(world, new PipeOptions { Delay = 1_000, Loss = (seed % 4) * 0.03 }, options: new StackOptions { ReceiveBuffer = Buffer, Offloads = seed % 2 == 0 });
        setup.Stack.Script = _ => new ExitScript { ReadRate = 100_000 };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { Sends = 500_000 });
        long most = 0;
        Assert.True(world.Run(() =>
        {
            if (setup.Stack.Flows.Count > 0 && !setup.Stack.Flows[0].IsReleased)
            {
                most = System.Math.Max(most, setup.Stack.Flows[0].Flow.Received.Length);
            }

            return client.IsOver;
        }));
        setup.Finish([client]);
        Assert.Equal(500_000, setup.Stack.Flows[0].Read);
        Assert.InRange(most, 10_000, Buffer + 128); // what was shown of a scaled window is not taken back, so that rounding may add a unit
    });

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void AnExitThatDoesNotReadForMinutesLosesNothing(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 1_000, Loss = (seed % 4) * 0.05 }, options: new StackOptions { ReceiveBuffer = 20_000 });
        setup.Stack.Script = _ => new ExitScript { ReadPause = 300_000_000 };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { Sends = 100_000 });
        setup.Finish([client]);
        Assert.Equal(100_000, setup.Stack.Flows[0].Read);
    });
}
