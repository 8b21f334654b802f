using System;
using System.Linq;
using Culvert.Core;
using Culvert.Core.Session;
using Xunit;

namespace Culvert.Tests.Unit.Session;

/// <summary>How a session begins, ends, and what it thinks of strangers.</summary>
public sealed class GreetingTests
{
    [Fact]
    public void BothKnowWhatBothHave()
    {
        VshpOptions device = new() { Capabilities = VshpCapabilities.Datagrams | VshpCapabilities.Echo | VshpCapabilities.Resume, Software = "device/1" };
        VshpOptions gateway = new() { Capabilities = VshpCapabilities.Datagrams | VshpCapabilities.Packets | VshpCapabilities.Resume, Instance = 99, ResumeWindow = 60_000_000 };
        using SessionPair pair = new(device, gateway);
        Assert.Equal(SessionEventKind.Ready, SessionPair.Next(pair.Device).Kind);
        Assert.Equal(SessionEventKind.Ready, SessionPair.Next(pair.Gateway).Kind);
        Assert.Equal(VshpCapabilities.Datagrams | VshpCapabilities.Resume, pair.Device.Capabilities);
        Assert.Equal(pair.Device.Capabilities, pair.Gateway.Capabilities);
        Assert.Equal(60_000_000, pair.Device.ResumeWindow);
        Assert.Equal(99u, pair.Device.PeerInstance);
        Assert.Equal("device/1", pair.Gateway.PeerSoftware);
    }

    [Fact]
    public void NothingCanBeOpenedBeforeTheGatewayHasGreeted()
    {
        using SessionPair pair = new(connected: false);
        pair.Device.Attach(pair.Ticket(), pair.Now);
        Assert.Null(pair.Device.Open(SessionPair.Web, pair.Now));
        Assert.Equal(VshpReason.ExitUnreachable, pair.Device.OpenRefusal);
        byte[] first = pair.Send(pair.Device);
        Assert.Equal(FirstFrameKind.Hello, FirstFrame.Read(first, out FirstFrame frame));
        Assert.Equal(first.Length, frame.Length);
    }

    [Theory]
    [InlineData(2, 2, VshpReason.Version)]
    [InlineData(0, 0, VshpReason.Version)]
    [InlineData(3, 1, VshpReason.None)]
    public void VersionsAreAgreedOnOrSaidNotToBe(byte highest, byte lowest, VshpReason outcome)
    {
        using SessionPair pair = new(connected: false);
        pair.Device.Attach(pair.Ticket(), pair.Now);
        byte[] first = pair.Send(pair.Device);
        first[FrameHeader.Size + 4] = highest;
        first[FrameHeader.Size + 5] = lowest;
        Assert.Equal(FirstFrameKind.Hello, FirstFrame.Read(first, out FirstFrame frame));
        pair.AcceptOnly(frame.Hello);
        Assert.Equal(outcome, pair.Gateway.EndReason);
        byte[] answer = pair.Send(pair.Gateway);
        Assert.Equal(outcome == VshpReason.None ? (byte)FrameType.Hello : (byte)FrameType.End, answer[0]);
        pair.Device.Receive(answer, pair.Now);
        Assert.Equal(outcome, pair.Device.EndReason);
    }

    [Fact]
    public void AHelloOfALaterLayoutIsStillToldTheVersion()
    {
        byte[] strange = [.. VectorFrame.Frame(FrameType.Hello, 0, 0, [.. "VSHP"u8, 9, 8, 1, 2, 3])];
        Assert.Equal(FirstFrameKind.Hello, FirstFrame.Read(strange, out FirstFrame first));
        Assert.Equal(9, first.Hello.Version);
        Assert.Equal(8, first.Hello.LowestVersion);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001\u0000")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    [InlineData("VSHP")]
    public void StrangersAreKnownByTheirFirstByte(string said)
    {
        byte[] bytes = [.. said.Select(static c => (byte)c)];
        Assert.Equal(FirstFrameKind.Foreign, FirstFrame.Read(bytes.AsSpan(0, 1), out _));
        Assert.Equal(FirstFrameKind.Foreign, FirstFrame.Read(bytes, out _));
    }

    [Fact]
    public void AFirstFrameIsWholeAtItsLastByte()
    {
        foreach (string words in (string[])[
            $"HELLO version=1 lowest=1 resume=0 capabilities=0 stream=1024 session=16384 flows=1 exchanges=1 instance=0 ticket={new string('0', 64)} software=x",
            $"RESUME version=1 ticket={new string('1', 64)} next={new string('2', 64)} received=0",
            $"PAIR_OFFER version=1 commitment={new string('1', 64)} name=x"])
        {
            byte[] frame = VectorFrame.Encode(words);
            for (int cut = 0; cut < frame.Length; cut++)
            {
                Assert.Equal(FirstFrameKind.Incomplete, FirstFrame.Read(frame.AsSpan(0, cut), out _));
            }

            Assert.NotEqual(FirstFrameKind.Foreign, FirstFrame.Read(frame, out _));
            foreach (int damaged in (int[])[0, 1, 7, 8, 11])
            {
                byte[] bad = [.. frame];
                bad[damaged] ^= 0x41;
                Assert.Equal(FirstFrameKind.Foreign, FirstFrame.Read(bad, out _));
            }
        }
    }

    [Theory]
    [InlineData("stream=1023 session=16384")]
    [InlineData("stream=1024 session=16383")]
    public void WindowsTooSmallToWorkWithAreNoGreeting(string windows)
    {
        byte[] hello = VectorFrame.Encode($"HELLO version=1 lowest=1 resume=0 capabilities=0 {windows} flows=1 exchanges=1 instance=0 ticket={new string('0', 64)} software=x");
        Assert.Equal(FirstFrameKind.Foreign, FirstFrame.Read(hello, out _));
        using SessionPair pair = new(connected: false);
        pair.Device.Attach(pair.Ticket(), pair.Now);
        pair.Device.Receive(hello, pair.Now);
        Assert.Equal(VshpReason.Protocol, pair.Device.EndReason);
    }

    [Theory]
    [InlineData("PING number=1")]
    [InlineData("DATA id=1 bytes=00")]
    [InlineData("OPEN id=2 to=192.0.2.7:443")]
    [InlineData("RESUMED received=0")]
    [InlineData("GONE reason=TicketUsed instance=7")]
    public void AGatewayThatSaysSomethingElseFirstIsNone(string words)
    {
        using SessionPair pair = new(connected: false);
        pair.Device.Attach(pair.Ticket(), pair.Now);
        pair.Device.Receive(VectorFrame.Encode(words), pair.Now);
        Assert.Equal(VshpReason.Protocol, pair.Device.EndReason);
    }

    [Fact]
    public void AGatewayThatSaysNothingIsGivenUp()
    {
        using SessionPair pair = new(connected: false);
        pair.Device.Attach(pair.Ticket(), pair.Now);
        pair.Send(pair.Device);
        Assert.Equal("Greeting", pair.Device.NextDeadlineReason);
        Assert.Equal(pair.Now + 10_000_000, pair.Device.NextDeadline);
        pair.Device.Advance(pair.Device.NextDeadline);
        Assert.Equal(SessionEventKind.TransportSilent, SessionPair.Next(pair.Device).Kind);
        Assert.Equal(long.MaxValue, pair.Device.NextDeadline);
        pair.Device.Detach(pair.Now);
        pair.Connect();
        Assert.True(pair.Device.IsAttached);
    }

    [Fact]
    public void GoingAwayLetsWhatIsOpenGoOn()
    {
        using SessionPair pair = new();
        VshpStream open = pair.OpenAccepted();
        VshpStream unseen = pair.Device.Open(SessionPair.Web, pair.Now)!;
        pair.Gateway.GoAway(VshpReason.ShuttingDown, "restarting");
        pair.Device.Receive(pair.Send(pair.Gateway), pair.Now);
        Assert.Equal(VshpReason.ShuttingDown, unseen.CloseReason);
        Assert.False(open.IsOver);
        Assert.Equal("restarting", pair.Device.EndText);
        Assert.Null(pair.Device.Open(SessionPair.Web, pair.Now));
        SessionPair.Write(open, "still"u8);
        pair.Carry();
        Assert.Equal("still"u8, SessionPair.Read(SessionPair.Far(open)));
        unseen.Release();
    }

    [Fact]
    public void TheEndIsToldAndClosesEverything()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.OpenAccepted();
        SessionPair.Clear(pair.Device);
        pair.Gateway.End(VshpReason.Revoked, "This device is no longer welcome.");
        pair.Device.Receive(pair.Send(pair.Gateway), pair.Now);
        Assert.Equal(VshpReason.Revoked, stream.CloseReason);
        Assert.Equal(VshpReason.Revoked, pair.Device.EndReason);
        Assert.Equal("This device is no longer welcome.", pair.Device.EndText);
        Assert.True(pair.Device.EndedByPeer);
        Assert.True(pair.Gateway.Transmit(pair.Now).IsEmpty);
        Assert.True(pair.Device.Transmit(pair.Now).IsEmpty);
        Assert.Equal(SessionEventKind.Closed, SessionPair.Next(pair.Device).Kind);
        Assert.Equal(SessionEventKind.Ended, SessionPair.Next(pair.Device).Kind);
        Assert.Equal(FailureKind.Authentication, pair.Device.EndReason.ToFailureKind());
    }

    [Fact]
    public void AStreamThatIsStillOpenedWhenItIsResetTakesItsIdAlong()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.Device.Open(SessionPair.Web, pair.Now)!;
        stream.Release();
        VshpStream next = pair.Device.Open(SessionPair.Web, pair.Now)!;
        pair.Carry();
        Assert.False(pair.Gateway.IsOver);
        Assert.False(next.IsOver);
    }

    [Fact]
    public void OptionsThatNoHelloCanSayAreRefusedAtOnce()
    {
        foreach (VshpOptions options in (VshpOptions[])[
            new() { StreamWindow = 1_023 }, new() { SessionWindow = 16_383 }, new() { MaxExchanges = 65_536 }, new() { ResumeWindow = 65_536_000_000 }, new() { Instance = 1UL << 53 }])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => VshpSession.Connect(options, new Culvert.Core.Packets.PacketPool(), 0));
        }
    }

    [Fact]
    public void DataBeforeTheAnswerIsAViolation()
    {
        using SessionPair pair = new();
        VshpStream stream = pair.Device.Open(SessionPair.Web, pair.Now)!;
        pair.Carry();
        pair.Device.Receive(VectorFrame.Encode($"DATA id={stream.Id} bytes=00"), pair.Now);
        Assert.Equal(VshpReason.Protocol, pair.Device.EndReason);
        stream.Release();
    }

    [Fact]
    public void ReasonsHaveAKindAndKindsAReason()
    {
        foreach (VshpReason reason in Enum.GetValues<VshpReason>())
        {
            Assert.True(Enum.IsDefined(reason.ToFailureKind()));
        }

        foreach (FailureKind kind in (FailureKind[])[
            FailureKind.Refused, FailureKind.HostUnreachable, FailureKind.NetworkUnreachable, FailureKind.TimedOut, FailureKind.NameNotFound, FailureKind.NotCarried,
            FailureKind.Prohibited, FailureKind.Reset, FailureKind.LimitReached, FailureKind.ExitUnreachable])
        {
            Assert.Equal(kind, kind.ToVshpReason().ToFailureKind());
        }

        Assert.Equal(VshpReason.Reset, VshpReasons.FromWire(60_000));
    }
}
