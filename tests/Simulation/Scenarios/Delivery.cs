using System.Collections.Generic;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>Every byte arrives, once and in order, whatever the network does. A run draws its whole weather from its seed.</summary>
public sealed class Delivery
{
    public static TheoryData<ulong> FewSeeds => Seeds.First(20);

    public static TheoryData<ulong> ManySeeds => Seeds.First(300);

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void APerfectNetworkCarriesAMegabyteBothWays(ulong seed) => World.Simulate(seed, world =>
        Transfer(world, PipeOptions.Perfect, new StackOptions(), 1_000_000, 1_000_000, new TcpHabits()));

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void ALossyNetworkCarriesEveryByteBothWays(ulong seed) => World.Simulate(seed, world =>
    {
        double loss = (seed % 21) / 100.0;
        Transfer(world, new PipeOptions { Loss = loss, Delay = 5_000 }, new StackOptions(), 150_000, 150_000, new TcpHabits());
    });

    [Theory]
    [MemberData(nameof(ManySeeds))]
    public void AnyWeatherCarriesEveryByteBothWays(ulong seed) => World.Simulate(seed, AnyWeather);

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    public void TheSameSeedIsTheSameRun(ulong seed) =>
        Assert.Equal(World.Simulate(seed, AnyWeather), World.Simulate(seed, AnyWeather));

    private static void AnyWeather(World world)
    {
        Randomness random = world.Random.Fork();
        PipeOptions up = Weather(random);
        PipeOptions down = Weather(random);
        int mtu = random.Below(3) switch
        {
            0 => 1500,
            1 => (int)random.Between(1280, 9000),
            _ => (int)random.Between(576, 1279),
        };
        StackOptions options = new()
        {
            Mtu = mtu,
            Offloads = random.Chance(0.4),
            ReceiveBuffer = random.Chance(0.3) ? (int)random.Between(8_000, 64_000) : 1 << 20,
            SendBuffer = random.Chance(0.3) ? (int)random.Between(8_000, 64_000) : 1 << 20,
            TimeWait = 600_000_000, // so long that even the unluckiest FIN comes through
        };
        Transfer(world, up, options, random.Between(0, 200_000), random.Between(0, 200_000), Habits(random), down, random);
    }

    internal static PipeOptions Weather(Randomness random) => new()
    {
        Delay = random.Chance(0.5) ? 50 : random.Between(100, 100_000),
        Jitter = random.Chance(0.5) ? 0 : random.Between(1, 20_000),
        Rate = random.Chance(0.5) ? 0 : random.Between(1_000_000, 100_000_000),
        Queue = random.Between(20_000, 500_000),
        Loss = random.Chance(0.5) ? 0 : random.Between(1, 200) / 1000.0,
        Burst = random.Chance(0.8) ? 0 : 0.01,
        Reorder = random.Chance(0.6) ? 0 : random.Between(1, 300) / 1000.0,
        ReorderDelay = random.Between(10, 50_000),
        Duplicate = random.Chance(0.7) ? 0 : random.Between(1, 200) / 1000.0,
        Corrupt = random.Chance(0.7) ? 0 : random.Between(1, 100) / 1000.0,
    };

    internal static TcpHabits Habits(Randomness random)
    {
        int buffer = random.Chance(0.5) ? 1 << 20 : (int)random.Between(2_000, 100_000);
        int scale = random.Below(15);
        while (buffer >> scale < 16)
        {
            scale--; // a scale at which the buffer is a window at all
        }

        return new TcpHabits
        {
            Scale = random.Chance(0.2) ? null : (byte)scale,
            Sack = random.Chance(0.7),
            Timestamps = random.Chance(0.7),
            DelayedAck = random.Chance(0.7),
            ReceiveBuffer = buffer,
            Mss = random.Chance(0.8) ? null : (int)random.Between(88, 536),
            InitialSequence = random.Chance(0.5) ? uint.MaxValue - (uint)random.Below(100_000) : null,
            ReadRate = random.Chance(0.8) ? 0 : random.Between(100_000, 1_000_000),
            ReadPause = random.Chance(0.9) ? 0 : random.Between(100_000, 5_000_000),
            Finishing = random.Chance(0.3) ? Finishing.AfterPeer : Finishing.AfterSending,
        };
    }

    private static void Transfer(
        World world, PipeOptions up, StackOptions options, long upBytes, long downBytes, TcpHabits habits, PipeOptions? down = null, Randomness? random = null)
    {
        Setup setup = new(world, up, down ?? up, options);
        ExitScript script = new()
        {
            Sends = downBytes,
            ConnectDelay = random?.Between(0, 200_000) ?? 0,
            WriteChunk = random?.Chance(0.3) == true ? (int)random.Between(1_000, 5_000) : int.MaxValue,
            ReadRate = random?.Chance(0.2) == true ? random.Between(100_000, 1_000_000) : 0,
            ReadPause = random?.Chance(0.1) == true ? random.Between(100_000, 5_000_000) : 0,
            ReleasesEarly = random?.Chance(0.5) == true,
            Finishing = habits.Finishing != Finishing.AfterPeer && random?.Chance(0.3) == true ? Finishing.AfterPeer : Finishing.AfterSending,
        };
        setup.Stack.PumpDelay = random?.Chance(0.3) == true ? random.Between(1, 500) : 0;
        setup.Stack.Script = _ => script;
        TestTcp client = setup.Host.Connect(world.Seed % 2 == 0 || options.Mtu < 1280 ? Setup.Web4 : Setup.Web6, habits with { Sends = upBytes });
        setup.Finish([client]);
        List<FlowDriver> flows = setup.Stack.Flows;
        Assert.Single(flows);
        Assert.False(client.IsDead, "the connection did not end in order");
        Assert.Equal(downBytes, client.Received);
        Assert.Equal(upBytes, flows[0].Read);
        Assert.True(flows[0].Closed is TcpCloseReason.Finished || (script.ReleasesEarly && flows[0].Closed == null), $"closed as {flows[0].Closed}");
    }
}
