using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>The stack with itself: where both ends share a mistake it may hide, but what only CUBIC, RACK and SACK do together shows here.</summary>
public sealed class StackToStack
{
    public static TheoryData<ulong> SomeSeeds => Seeds.First(100);

    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void AnyWeatherCarriesEveryByteBothWays(ulong seed) => World.Simulate(seed, world =>
    {
        Randomness random = world.Random.Fork();
        StackOptions options = new() { Offloads = random.Chance(0.3), Mtu = (int)random.Between(1280, 9000), TimeWait = 600_000_000 };
        PipeOptions there = Delivery.Weather(random) with { Mtu = options.Mtu };
        PipeOptions back = Delivery.Weather(random) with { Mtu = options.Mtu };
        StackHarness client = new(world, options);
        StackHarness server = new(world, options);
        client.Output = new Pipe(world, "there", there, server.Receive).Send;
        server.Output = new Pipe(world, "back", back, client.Receive).Send;
        long up = random.Between(0, 500_000);
        long down = random.Between(0, 500_000);
        server.Script = _ => new ExitScript { Sends = down, ConnectDelay = random.Between(0, 300_000), ReleasesEarly = random.Chance(0.5) };
        IpAddr local = TestHost.AddressFor(Setup.Web4.Address);
        FlowDriver opened = client.Connect(new IpEndpoint(local, 30_000), Setup.Web4, new ExitScript { Sends = up, UpSeed = 2, DownSeed = 1 });
        bool over = world.Run(() => opened.IsReleased && server.Flows.TrueForAll(flow => flow.IsReleased), 86_400);
        Assert.True(over, $"not over in a day: {opened.Read} of {down} read");
        if (opened.Closed == TcpCloseReason.TimedOut && opened.Read == 0 && server.Flows.TrueForAll(flow => flow.Read == 0))
        {
            Assert.True(there.Loss + back.Loss + there.Burst + back.Burst > 0, "no connection on a good network");
            return; // six SYNs, or their answers, were lost
        }

        FlowDriver accepted = Assert.Single(server.Flows);
        Assert.Equal(down, opened.Read);
        Assert.Equal(up, accepted.Read);
        Assert.Equal(TcpCloseReason.Finished, opened.Closed);
        world.RunFor(1_000_000_000);
        client.CheckIdle();
        server.CheckIdle();
    });
}
