using System;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Simulation.Sessions;

/// <summary>Sessions over transports that break at any byte, stall, and come back: every stream is whole, every time.</summary>
public sealed class SessionWeather
{
    private const int RunsOfASeed = 100;

    public static TheoryData<ulong> SomeSeeds => Seeds.First(100);

    [Theory]
    [MemberData(nameof(SomeSeeds))]
    public void AnythingMayHappenToTheTransport(ulong seed)
    {
        for (int i = 0; i < RunsOfASeed; i++)
        {
            Simulate((seed * RunsOfASeed) + (ulong)i);
        }
    }

    private static void Simulate(ulong seed)
    {
        Randomness random = new(seed);
        VshpOptions Options(ulong instance) => new()
        {
            Instance = instance,
            StreamWindow = 1 << (int)random.Between(10, 17),
            SessionWindow = 1 << (int)random.Between(14, 18),
            MaxStreamWindow = 1 << 18,
            MaxSessionWindow = 1 << 19,
            SendBuffer = 1 << (int)random.Between(11, 17),
            MaxSendBuffers = 1 << (int)random.Between(13, 18),
            MaxUnacknowledged = 1 << (int)random.Between(15, 19),
            MaxDatagramBytes = 1 << (int)random.Between(13, 18),
        };
        SessionRun run = new(seed, Options(0), Options(7), largestStream: random.Chance(0.1) ? 60_000 : 6_000) { GatewayOpens = random.Below(3) };
        run.Device.ToOpen = 1 + random.Below(8);
        run.Device.ToAsk = random.Below(3);
        run.Device.WantsAssociation = random.Chance(0.5);
        double cut = random.Chance(0.5) ? 0.05 : 0.002;
        double stall = random.Chance(0.3) ? 0.005 : 0;
        try
        {
            for (int steps = 0; !run.IsDone; steps++)
            {
                if (steps == 100_000)
                {
                    throw new SimulationFailedException("it does not come to an end");
                }

                run.Step(cut, stall);
            }

            run.Finish();
            if (run.MostBlocks > 1_500)
            {
                throw new SimulationFailedException($"{run.MostBlocks} blocks were out at a time");
            }
        }
        catch (Exception failure)
        {
            throw new SimulationFailedException($"seed {seed}, after {run.Cuts} cuts: {failure.Message}\n{run.Device}\n{run.Gateway}", failure);
        }
    }
}
