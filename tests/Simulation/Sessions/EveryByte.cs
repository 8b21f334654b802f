using System;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Simulation.Sessions;

/// <summary>One exchange of a mebibyte on 20 streams, both ways at once, that is cut at every byte of either side's sequence, and of the greetings around it.</summary>
public sealed class EveryByte
{
    [Fact]
    public void ASessionCutAtEveryByteIsWhole()
    {
        // Frames are small, since each is begun as often as it has bytes.
        VshpOptions options = new() { SendBuffer = 1_500, MaxSendBuffers = 1 << 20, StreamWindow = 4_096, MaxStreamWindow = 4_096, MaxUnacknowledged = 20_000, Instance = 7 };
        SessionRun run = new(1, options, options, largestStream: 116_000) { GatewayOpens = 5 };
        run.Device.ToOpen = 20;
        int up = 0;
        int down = 0;
        long gatewayHas = 0;
        long deviceHas = 0;
        for (int transports = 0; !run.IsDone; transports++)
        {
            Assert.True(transports < 5_000_000, $"it does not come to an end\n{run.Device}\n{run.Gateway}");
            run.Now += 1_000;
            run.Connect();

            // What arrives is what was said up to a byte, once up and once down. Each time one more, until a frame is through.
            int arrivedUp = Carry(run, isUp: true, up);
            int arrivedDown = Carry(run, isUp: false, down);
            if (run.Device.Session.IsAttached)
            {
                arrivedUp += Carry(run, isUp: true, Math.Max(0, up - arrivedUp));
            }

            run.Device.Turn(run.Now);
            run.Gateway?.Turn(run.Now);
            up = Next(up, arrivedUp, run.Gateway?.Session.SequenceReceived ?? 0, ref gatewayHas);
            down = Next(down, arrivedDown, run.Device.Session.SequenceReceived, ref deviceHas);
            run.Cut();
        }

        run.Connect();
        run.Finish();
        Assert.True(gatewayHas + deviceHas > 1 << 20, $"{gatewayHas} and {deviceHas} bytes");
        Assert.True(run.Cuts > gatewayHas && run.Cuts > deviceHas, $"{run.Cuts} cuts");
    }

    private static int Next(int cut, int arrived, long has, ref long had)
    {
        if (has > had)
        {
            had = has;
            return 0;
        }

        return arrived < cut ? cut : cut + 1; // as long as less was said than may arrive, there is nothing to cut
    }

    private static int Carry(SessionRun run, bool isUp, int count)
    {
        int arrived = 0;
        while (arrived < count)
        {
            run.Take(isUp, count - arrived);
            int delivered = run.Deliver(isUp, count - arrived);
            if (delivered == 0)
            {
                break;
            }

            arrived += delivered;
        }

        return arrived;
    }
}
