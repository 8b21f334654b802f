using System;
using System.Linq;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>Whose turn it is: nobody's keystroke waits behind anybody's bulk, and bulk is shared.</summary>
public sealed class TurnTests
{
    private static readonly VshpOptions Wide = new() { StreamWindow = 1 << 20, SessionWindow = 16 << 20 };

    [Fact]
    public void AKeystrokePassesEveryBulkTransfer()
    {
        using SessionPair pair = new(gateway: Wide);
        VshpStream[] bulk = [.. Enumerable.Range(0, 20).Select(_ => pair.OpenAccepted())];
        VshpStream keys = pair.OpenAccepted();
        foreach (VshpStream stream in bulk)
        {
            SessionPair.Write(stream, new byte[200_000]);
        }

        pair.Send(pair.Device);
        SessionPair.Write(keys, "k"u8);
        byte[] next = pair.Send(pair.Device);
        Assert.True(FrameHeader.TryRead(next, out FrameHeader first));
        Assert.Equal(keys.Id, first.Id);
    }

    [Fact]
    public void OfManyThatBeginAtOnceEachHasLittleAtFirst()
    {
        using SessionPair pair = new(gateway: Wide);
        VshpStream[] bulk = [.. Enumerable.Range(0, 20).Select(_ => pair.OpenAccepted())];
        VshpStream keys = pair.OpenAccepted();
        foreach (VshpStream stream in bulk)
        {
            SessionPair.Write(stream, new byte[200_000]);
        }

        SessionPair.Write(keys, "k"u8);
        pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
        Assert.Equal("k"u8, SessionPair.Read(SessionPair.Far(keys)));
    }

    [Fact]
    public void NoMoreThanTheBudgetIsHandedOutAtATime()
    {
        using SessionPair pair = new(gateway: Wide);
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, new byte[250_000]);
        Assert.InRange(pair.Device.Transmit(pair.Now).Length, 48_000, VshpSession.TransmitBudget + Turns.MaxData + FrameHeader.Size);
        Assert.True(pair.Device.Transmit(pair.Now).IsEmpty, "one at a time");
        pair.Device.Transmitted(pair.Now);
    }

    [Fact]
    public void AFrameOfBulkIsARecordOfTlsAndFourAreWhatIsHandedOut()
    {
        using SessionPair pair = new(gateway: Wide);
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, new byte[12 * Turns.MaxData]);
        int full = 0;
        while (pair.Send(pair.Device) is { Length: > 0 } handed)
        {
            full += handed.Length == VshpSession.TransmitBudget ? 1 : 0;
            for (int at = 0; handed.Length == VshpSession.TransmitBudget && at < handed.Length; at += 16 << 10)
            {
                Assert.True(FrameHeader.TryRead(handed.AsSpan(at), out FrameHeader header));
                Assert.Equal((FrameType.Data, 16 << 10), (header.Type, header.FrameLength));
            }

            pair.Gateway.Receive(handed, pair.Now);
        }

        Assert.InRange(full, 1, 3); // but for the beginning, which is a short turn
    }

    [Fact]
    public void BulkTransfersShareEvenly()
    {
        using SessionPair pair = new(gateway: Wide);
        VshpStream[] bulk = [.. Enumerable.Range(0, 5).Select(_ => pair.OpenAccepted())];
        for (int i = 0; i < 10; i++)
        {
            foreach (VshpStream stream in bulk)
            {
                SessionPair.Write(stream, new byte[250_000]);
            }

            pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
        }

        long[] got = [.. bulk.Select(static s => SessionPair.Far(s).Received.Length)];
        Assert.InRange(got.Max() - got.Min(), 0, Turns.Quantum);
    }

    [Fact]
    public void OneThatComesBackAtOnceDoesNotCountAsSilent()
    {
        using SessionPair pair = new(gateway: Wide);
        VshpStream bulk = pair.OpenAccepted();
        VshpStream often = pair.OpenAccepted();
        byte[] turn = new byte[Turns.Quantum];
        long first = 0;
        for (int i = 0; i < 100; i++)
        {
            SessionPair.Write(bulk, new byte[100_000]);
            SessionPair.Write(often, turn);
            pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
            SessionPair.Read(SessionPair.Far(often));
            first += SessionPair.Read(SessionPair.Far(bulk)).Length;
            pair.Device.Receive(pair.Send(pair.Gateway), pair.Now);
        }

        Assert.True(first >= 100 * Turns.Quantum, $"{first} bytes of the bulk transfer");
    }

    [Fact]
    public void ManyThatAreOftenSilentDoNotKeepBulkFromItsTurn()
    {
        using SessionPair pair = new(gateway: Wide);
        VshpStream bulk = pair.OpenAccepted();
        VshpStream[] often = [.. Enumerable.Range(0, 68).Select(_ => pair.OpenAccepted())];
        byte[] little = new byte[1_000];
        long got = 0;
        for (int i = 0; i < 100; i++)
        {
            SessionPair.Write(bulk, new byte[100_000]);
            foreach (VshpStream stream in often)
            {
                SessionPair.Write(stream, little);
            }

            pair.Gateway.Receive(pair.Send(pair.Device), pair.Now);
            got += SessionPair.Read(SessionPair.Far(bulk)).Length;
            foreach (VshpStream stream in often)
            {
                SessionPair.Read(SessionPair.Far(stream));
            }

            pair.Device.Receive(pair.Send(pair.Gateway), pair.Now);
        }

        Assert.True(got > 60_000, $"{got} bytes of the bulk transfer, whose share of what was sent is 95,000");
    }

    [Fact]
    public void OneThatWaitedForItsWindowTakesItsTurnBehindTheOthers()
    {
        using SessionPair pair = new(gateway: new VshpOptions { StreamWindow = 20_000, SessionWindow = 16 << 20 });
        VshpStream blocked = pair.OpenAccepted();
        SessionPair.Write(blocked, new byte[100_000]);
        pair.Carry();
        VshpStream other = pair.OpenAccepted();
        SessionPair.Write(other, new byte[20_000]);
        pair.Device.Receive(VectorFrame.Encode($"WINDOW id={blocked.Id} limit=90000"), pair.Now);
        Assert.True(FrameHeader.TryRead(pair.Send(pair.Device), out FrameHeader first));
        Assert.Equal(other.Id, first.Id);
    }

    [Fact]
    public void SmallWritesBecomeOneFrame()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        for (int i = 0; i < 100; i++)
        {
            SessionPair.Write(stream, "word"u8);
        }

        pair.Carry();
        Assert.Single(pair.FromDevice, static frame => frame[0] == (byte)FrameType.Data);
        Assert.Equal(400, SessionPair.Far(stream).Received.Length);
    }

    [Fact]
    public void TheEndComesWithTheLastData()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Write(stream, "last"u8);
        stream.Finish();
        pair.Carry();
        byte[] data = Assert.Single(pair.FromDevice, static frame => frame[0] == (byte)FrameType.Data);
        Assert.Equal(FrameFlags.Fin, data[1]);
    }
}
