using System;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>Once a session is warm, carrying data allocates nothing: to the byte, by the thread's own count.</summary>
public sealed class SessionAllocationTests
{
    private const int WarmUp = 3_000;
    private const int Counted = 12_000;

    [Theory]
    [InlineData(1)]
    [InlineData(900)]
    [InlineData(16_000)]
    public void DataAllocatesNothing(int bytes)
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        VshpStream far = SessionPair.Far(stream);
        byte[] data = new byte[bytes];
        long read = 0;
        AssertNothingAllocated(() =>
        {
            SessionPair.Write(stream, data);
            Pass(pair, pair.Device, pair.Gateway);
            read += far.Received.Length;
            far.Consume(far.Received.Length);
            Pass(pair, pair.Gateway, pair.Device);
            Drain(pair);
        });

        Assert.Equal((WarmUp + Counted) * (long)bytes, read);
    }

    [Fact]
    public void DatagramsAllocateNothing()
    {
        using SessionPair pair = new();
        VshpAssociation association = pair.Device.Associate()!;
        pair.Carry();
        SessionPair.Clear(pair.Gateway);
        byte[] data = new byte[1_200];
        int got = 0;
        AssertNothingAllocated(() =>
        {
            association.Send(SessionPair.Web, data);
            Pass(pair, pair.Device, pair.Gateway);
            while (pair.Gateway.TryNextEvent(out SessionEvent happened))
            {
                got++;
                happened.Buffer?.Release();
            }

            Pass(pair, pair.Gateway, pair.Device);
        });

        Assert.Equal(WarmUp + Counted, got);
        association.Release(VshpReason.Cancelled);
    }

    private static void Pass(SessionPair pair, VshpSession from, VshpSession to)
    {
        pair.Now += 100;
        while (from.Transmit(pair.Now) is { IsEmpty: false } bytes)
        {
            foreach (ReadOnlyMemory<byte> part in bytes)
            {
                to.Receive(part.Span, pair.Now);
            }

            from.Transmitted(pair.Now);
        }

        from.Advance(pair.Now);
    }

    private static void Drain(SessionPair pair)
    {
        while (pair.Device.TryNextEvent(out _))
        {
        }

        while (pair.Gateway.TryNextEvent(out _))
        {
        }
    }

    private static void AssertNothingAllocated(Action round)
    {
        for (int i = 0; i < WarmUp; i++)
        {
            round();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Counted; i++)
        {
            round();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
