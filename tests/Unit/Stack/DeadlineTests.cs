using System;
using System.Collections.Generic;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Xunit;

namespace Culvert.Tests.Unit.Stack;

public sealed class DeadlineTests
{
    [Fact]
    public void NextDeadlineIsTheEarliestOfAllFlowsWhateverTheirOrder()
    {
        using ScriptedPeer peer = new(new StackOptions { KeepAlive = 1_000_000_000 });
        Random random = new(5);
        List<(TcpFlow Flow, ushort Port, uint Sequence, uint Expected, long Heard)> flows = [];
        for (ushort i = 0; i < 200; i++)
        {
            peer.Now += random.Next(1, 1000);
            peer.Local = peer.Local with { Port = (ushort)(10_000 + i) };
            TcpFlow flow = peer.Connect();
            flows.Add((flow, peer.Local.Port, peer.Sequence, peer.Expected, peer.Now));
        }

        for (int i = 0; i < 1000; i++)
        {
            int at = random.Next(flows.Count);
            var one = flows[at];
            peer.Now += random.Next(1, 1000);
            (peer.Local, peer.Sequence, peer.Expected) = (peer.Local with { Port = one.Port }, one.Sequence, one.Expected);
            if (random.Next(20) == 0)
            {
                peer.Send(TcpFlags.Rst);
                flows.RemoveAt(at);
            }
            else
            {
                peer.Send(TcpFlags.Ack);
                flows[at] = one with { Heard = peer.Now };
            }

            long earliest = long.MaxValue;
            flows.ForEach(f => earliest = Math.Min(earliest, f.Heard));
            Assert.Equal(earliest + 1_000_000_000, peer.Stack.NextDeadline);
        }

        while (peer.Stack.TryNextEvent(out StackEvent _))
        {
        }
    }
}
