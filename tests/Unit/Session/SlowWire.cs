using System;
using System.Collections.Generic;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>The wire of a pair with a delay: what is sent arrives so much later.</summary>
internal sealed class SlowWire(SessionPair pair, long delay)
{
    private const long Step = 250;

    private readonly Queue<(long At, byte[] Bytes)> _up = new();
    private readonly Queue<(long At, byte[] Bytes)> _down = new();

    public VshpStream OpenAccepted()
    {
        // The greeting takes no time, as if it had been said long ago; the first PING is on its way then.
        pair.Device.Attach(pair.Ticket(), pair.Now);
        Assert.Equal(FirstFrameKind.Hello, FirstFrame.Read(pair.Send(pair.Device), out FirstFrame first));
        pair.AcceptOnly(first.Hello);
        byte[] greeting = pair.Send(pair.Gateway);
        Assert.True(FrameHeader.TryRead(greeting, out FrameHeader hello));
        pair.Device.Receive(greeting.AsSpan(0, hello.FrameLength), pair.Now);
        _down.Enqueue((pair.Now + delay, greeting[hello.FrameLength..]));
        SessionPair.Clear(pair.Device);
        SessionPair.Clear(pair.Gateway);
        VshpStream stream = pair.Device.Open(SessionPair.Web, pair.Now)!;
        while (!pair.Gateway.TryNextEvent(out SessionEvent asked) || asked.Stream is null || !Accept(stream, asked.Stream))
        {
            Pass(Step);
        }

        Pass(4 * delay);
        return stream;
    }

    public void Pass(long time)
    {
        for (long end = pair.Now + time; pair.Now < end;)
        {
            pair.Now += Math.Min(Step, end - pair.Now);
            Carry(pair.Device, _up, pair.Gateway);
            Carry(pair.Gateway, _down, pair.Device);
            pair.Device.Advance(pair.Now);
            pair.Gateway.Advance(pair.Now);
        }
    }

    private static bool Accept(VshpStream stream, VshpStream far)
    {
        far.Accept();
        stream.Tag = far;
        return true;
    }

    private void Carry(VshpSession from, Queue<(long At, byte[] Bytes)> wire, VshpSession to)
    {
        while (wire.TryPeek(out (long At, byte[] Bytes) first) && first.At <= pair.Now)
        {
            to.Receive(wire.Dequeue().Bytes, pair.Now);
        }

        while (pair.Send(from) is { Length: > 0 } bytes)
        {
            wire.Enqueue((pair.Now + delay, bytes));
        }
    }
}
