using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;

namespace Culvert.Tests.Simulation;

/// <summary>A host and a stack with a network between them: <c>up</c> leads to the stack, <c>down</c> from it.</summary>
internal sealed class Setup
{
    public static readonly IpEndpoint Web4 = new(IpAddr.FromV4(0xC000_0207), 443);
    public static readonly IpEndpoint Web6 = new(IpAddr.FromBits(((UInt128)0x2001_0DB8_0000_0000 << 64) | 7), 443);

    public Setup(World world, PipeOptions? up = null, PipeOptions? down = null, StackOptions? options = null)
    {
        World = world;
        Options = options ?? new StackOptions();
        Host = new TestHost(world, Options.Mtu, Options.Offloads);
        Stack = new StackHarness(world, Options);
        Up = new Pipe(world, "up", (up ?? PipeOptions.Perfect) with { Mtu = Options.Mtu }, Stack.Receive);
        Down = new Pipe(world, "down", (down ?? up ?? PipeOptions.Perfect) with { Mtu = Options.Mtu }, Host.Receive);
        Host.Output = Up.Send;
        Stack.Output = Down.Send;
    }

    public World World { get; }

    public StackOptions Options { get; }

    public TestHost Host { get; }

    public StackHarness Stack { get; }

    public Pipe Up { get; }

    public Pipe Down { get; }

    /// <summary>Runs until the clients are done and the flows are released, then until everything has come to rest, and checks that it has.</summary>
    public void Finish(IReadOnlyList<TestTcp> clients, long seconds = 86_400)
    {
        bool done = World.Run(() => AllOver(clients) && Stack.Flows.TrueForAll(flow => flow.IsReleased), seconds);
        if (!done)
        {
            string state = "";
            foreach (TestTcp client in clients)
            {
                state += client.IsOver ? "" : $" {client.Local.Port}: received {client.Received}, acknowledged {client.Acknowledged}, peer finished {client.PeerFinished}, own FIN acknowledged {client.OwnFinAcknowledged};";
            }

            foreach (FlowDriver flow in Stack.Flows)
            {
                state += flow.IsReleased ? "" : $" flow of {flow.Flow.Source.Port}: read {flow.Read}, written {flow.Written}, peer finished {flow.PeerFinished}, closed {flow.Closed};";
            }

            throw new SimulationFailedException($"not over in {seconds} s:{state[..Math.Min(state.Length, 2_000)]}");
        }

        Rest();
    }

    /// <summary>Lets what is on the way arrive and timers run out; then nothing may be left.</summary>
    public void Rest()
    {
        World.RunFor(1_000_000_000);
        Stack.CheckIdle();
    }

    private static bool AllOver(IReadOnlyList<TestTcp> clients)
    {
        foreach (TestTcp client in clients)
        {
            if (!client.IsOver)
            {
                return false;
            }
        }

        return true;
    }
}
