using Culvert.Core.Stack;
using Culvert.Tests.Simulation.Exits;
using Culvert.Tests.Simulation.Hosts;
using Culvert.Tests.Simulation.Net;

namespace Culvert.Tests.Simulation.Throughput;

/// <summary>
/// Goodput of one connection in simulated time over 100 Mbit/s each way, with a drop-tail queue of one bandwidth-delay product (64 KiB at least) and
/// loss in both directions: bytes of the stream delivered in order in the first 20 seconds.
/// </summary>
internal static class Measurement
{
    public const long Rate = 100_000_000;
    private const long Duration = 20_000_000;

    /// <summary>Our sender, an independent receiver: Mbit/s.</summary>
    public static double Down(double lossPercent, double roundTripMs, ulong seed) => Measure(lossPercent, roundTripMs, seed, down: true);

    /// <summary>An independent sender (New Reno with SACK), our receiver: Mbit/s.</summary>
    public static double Up(double lossPercent, double roundTripMs, ulong seed) => Measure(lossPercent, roundTripMs, seed, down: false);

    private static double Measure(double lossPercent, double roundTripMs, ulong seed, bool down)
    {
        double result = 0;
        World.Simulate(seed, world =>
        {
            long roundTrip = (long)(roundTripMs * 1_000);
            PipeOptions network = new()
            {
                Delay = roundTrip / 2,
                Rate = Rate,
                Queue = long.Max(64 * 1024, Rate / 8_000_000 * roundTrip),
                Loss = lossPercent / 100,
            };
            Setup setup = new(world, network, options: new StackOptions { SendBuffer = 4 << 20, ReceiveBuffer = 4 << 20 });
            setup.Stack.Script = _ => new ExitScript { Sends = down ? long.MaxValue : 0, Finishing = Finishing.Never };
            TestTcp client = setup.Host.Connect(Setup.Web4, new TcpHabits
            {
                Sends = down ? 0 : long.MaxValue,
                Finishing = Finishing.Never,
                ReceiveBuffer = 4 << 20,
            });
            world.RunFor(Duration);
            World.Check(setup.Stack.Flows.Count == 1, "no connection");
            result = (down ? client.Received : setup.Stack.Flows[0].Read) * 8.0 / Duration;
            setup.Up.Options = setup.Down.Options = PipeOptions.Perfect;
            client.Reset();
            setup.Finish([client]);
        });
        return result;
    }
}
