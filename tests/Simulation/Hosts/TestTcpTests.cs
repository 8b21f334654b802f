using Culvert.Tests.Simulation.Net;
using Culvert.Tests.Simulation.Scenarios;
using Xunit;

namespace Culvert.Tests.Simulation.Hosts;

/// <summary>The tests' own TCP against itself: what it judges others by, it keeps.</summary>
public sealed class TestTcpTests
{
    public static TheoryData<ulong> SomeSeeds => Seeds.First(100);

    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void CarriesEveryByteBothWaysToItself(ulong seed) => World.Simulate(seed, world =>
    {
        Randomness random = world.Random.Fork();
        TestHost left = new(world);
        TestHost right = new(world, other: Setup.Web4.Address);
        left.Output = new Pipe(world, "right", seed == 1 ? PipeOptions.Perfect : Delivery.Weather(random), right.Receive).Send;
        right.Output = new Pipe(world, "left", seed == 1 ? PipeOptions.Perfect : Delivery.Weather(random), left.Receive).Send;
        right.Listener = () => Delivery.Habits(random) with { Sends = 50_000, UpSeed = 2, DownSeed = 1, Finishing = Finishing.AfterSending };
        TestTcp client = left.Connect(Setup.Web4, Delivery.Habits(random) with { Sends = 50_000 });
        Assert.True(world.Run(() => client.IsOver && right.Accepted.TrueForAll(one => one.IsOver)), "not over in an hour");
        TestTcp server = Assert.Single(right.Accepted);
        Assert.Equal(50_000, client.Received);
        Assert.Equal(50_000, server.Received);
        Assert.False(client.IsDead || server.IsDead);
    });
}
