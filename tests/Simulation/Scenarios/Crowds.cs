using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;
using Culvert.Tests.Simulation.Wire;
using Xunit;

namespace Culvert.Tests.Simulation.Scenarios;

/// <summary>Many flows at a time, and floods against the limits.</summary>
public sealed class Crowds
{
    public static TheoryData<ulong> FewSeeds => Seeds.First(3);

    [Theory]
    [MemberData(nameof(FewSeeds))]
    public void AThousandFlowsAtATimeAllArrive(ulong seed) => World.Simulate(seed, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 1_000, Loss = 0.005, Rate = 1_000_000_000, Queue = 4 << 20 }, options: new StackOptions { Offloads = seed % 2 == 0 });
        setup.Stack.Script = _ => new ExitScript { Sends = 5_000, ConnectDelay = world.Random.Between(0, 50_000), ReleasesEarly = world.Random.Chance(0.5) };
        List<TestTcp> clients = [];
        for (int i = 0; i < 1_000; i++)
        {
            clients.Add(setup.Host.Connect(i % 2 == 0 ? Setup.Web4 : Setup.Web6, new TcpHabits { Sends = 5_000, Sack = i % 3 != 0 }));
        }

        setup.Finish(clients);
        Assert.All(clients, client => Assert.Equal(5_000, client.Received));
        Assert.All(setup.Stack.Flows, flow => Assert.Equal(5_000, flow.Read));
    });

    [Fact]
    public void IdleFlowsHoldNoBlocks() => World.Simulate(1, world =>
    {
        Setup setup = new(world, new PipeOptions { Delay = 100_000, Rate = 1_000_000_000, Queue = 64 << 20 });
        setup.Stack.Script = _ => new ExitScript { Sends = 50_000, Finishing = Finishing.AfterPeer };
        List<TestTcp> clients = [];
        for (int i = 0; i < 300; i++)
        {
            clients.Add(setup.Host.Connect(Setup.Web4, new TcpHabits { Sends = 50_000, Finishing = Finishing.Never }));
        }

        int most = 0;
        Assert.True(world.Run(() =>
        {
            most = Math.Max(most, setup.Stack.Pool.Outstanding);
            return clients.TrueForAll(client => client.Received == 50_000) && setup.Stack.Flows.TrueForAll(flow => flow.Read == 50_000);
        }));
        Assert.True(most > 300); // they were not idle before
        world.RunFor(1_000_000);
        Assert.Equal(0, setup.Stack.Pool.Outstanding);
        Assert.All(setup.Stack.Flows, flow => Assert.False(flow.IsReleased));
        clients.ForEach(client => client.Reset());
        setup.Finish(clients);
    });

    [Fact]
    public void ASynFloodBeyondTheOpeningLimitIsDroppedAndTheRestConnect() => World.Simulate(1, world =>
    {
        Setup setup = new(world, options: new StackOptions { MaxOpening = 50 });
        setup.Stack.Script = _ => new ExitScript { ConnectDelay = 500_000 };
        List<TestTcp> clients = [];
        for (int i = 0; i < 200; i++)
        {
            clients.Add(setup.Host.Connect(Setup.Web4, new TcpHabits()));
        }

        world.RunFor(400_000);
        Assert.Equal(50, setup.Stack.Flows.Count); // the others will send their SYN again
        setup.Finish(clients);
        Assert.All(clients, client => Assert.NotNull(client.ConnectedAt));
    });

    [Fact]
    public void ASynBeyondTheFlowLimitIsRefused() => World.Simulate(1, world =>
    {
        Setup setup = new(world, options: new StackOptions { MaxTcpFlows = 20 });
        setup.Stack.Script = _ => new ExitScript { Finishing = Finishing.AfterPeer };
        List<TestTcp> clients = [];
        for (int i = 0; i < 30; i++)
        {
            clients.Add(setup.Host.Connect(Setup.Web4, new TcpHabits { Finishing = Finishing.Never }));
        }

        world.RunFor(3_000_000);
        Assert.Equal(10, clients.FindAll(client => client.WasRefused).Count);
        Assert.Equal(20, clients.FindAll(client => client.ConnectedAt != null).Count);
        clients.ForEach(client => client.Reset());
        setup.Finish(clients);
    });

    [Fact]
    public void AFloodOfSpoofedSynsLeavesNothingBehind() => World.Simulate(1, world =>
    {
        Setup setup = new(world, options: new StackOptions { MaxOpening = 100, MaxTcpFlows = 500 });
        setup.Stack.Script = _ => new ExitScript { ConnectDelay = 10_000 };
        int most = 0;
        for (int i = 0; i < 5_000; i++)
        {
            // From hosts that do not exist: nobody will ever answer the SYN-ACK.
            IpEndpoint nobody = new(IpAddr.FromV4(0x0A01_0000 + (uint)i), (ushort)(1_024 + (i % 50_000)));
            setup.Host.Send(new TcpSegment { Source = nobody, Destination = Setup.Web4, Sequence = (uint)world.Random.Next(), Flags = Bits.Syn, Window = 1_000, Mss = 1_460 });
            world.RunFor(200);
            most = Math.Max(most, setup.Stack.Flows.FindAll(flow => !flow.IsReleased).Count);
        }

        Assert.InRange(most, 50, 501);
        Assert.True(world.Run(() => setup.Stack.Flows.TrueForAll(flow => flow.IsReleased)));
        setup.Rest();
    });
}
