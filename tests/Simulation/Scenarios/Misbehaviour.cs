using System;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>Peers that break the rules harm nobody's stream, not even their own where it can be helped, and no memory.</summary>
public sealed class Misbehaviour
{
    public static TheoryData<ulong> FewSeeds => Seeds.First(40);

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void OneSortOfMischiefChangesNoByte(ulong seed) => World.Simulate(seed, world =>
        Suffer(world, (Mischief)(1 << (int)(seed % 9))));

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void AllSortsOfMischiefAtOnceChangeNoByte(ulong seed) => World.Simulate(seed, world =>
        Suffer(world, (Mischief)world.Random.Below(512)));

    [Fact]
    public void TinySegmentsPinNoMoreThanAFewBuffersPerWindow() => World.Simulate(1, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 1_000, Rate = 10_000_000 }, options: new StackOptions { Offloads = true, ReceiveBuffer = 256 * 1024 });
        setup.Stack.Script = _ => new ExitScript { ReadPause = 60_000_000 };
        TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits { Sends = 1_000_000, Mischief = Mischief.TinySegments });
        int most = 0;
        Assert.True(world.Run(() =>
        {
            most = Math.Max(most, setup.Stack.Pool.Outstanding);
            return client.IsOver;
        }));
        setup.Finish([client]);
        Assert.InRange(most, 10, 2 * 256 * 1024 / 2048);
    });

    private static void Suffer(World world, Mischief mischief)
    {
        PipeOptions network = new() { Delay = 2_000, Rate = 20_000_000 };
        Setup setup = new(world, network, options: new StackOptions { ReceiveBuffer = 64 * 1024, Offloads = world.Seed % 2 == 0 });
        setup.Stack.Script = _ => new ExitScript { Sends = 100_000, ReadRate = 500_000 };
        TestTcp client = setup.Host.Connect(world.Seed % 3 == 0 ? Setup.Web6 : Setup.Web4, new TcpHabits
        {
            Sends = 100_000,
            Mischief = mischief,
            ReceiveBuffer = 30_000,
            Sack = world.Random.Chance(0.5),
        });
        setup.Finish([client]);
        Assert.False(client.IsDead, "the connection did not survive");
        Assert.Equal(100_000, client.Received);
        Assert.Equal(100_000, setup.Stack.Flows[0].Read);
    }
}
