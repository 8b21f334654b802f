using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Dns;
using Culvert.Core.Packets;
using Culvert.Core.Stack;
using Culvert.Core.Stack.Tcp;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Tests.Unit.Dns;
using Culvert.Tests.Unit.Flows;
using Culvert.Tests.Unit.Names;
using Xunit;

namespace Culvert.Tests.Unit.Entries.Tun;

public sealed class TunEntryTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task TheSynIsAnsweredWhenTheExitHasConnectedAndNotBefore()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        TaskCompletionSource<Destination> asked = new();
        TaskCompletionSource connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        FakeExit exit = new()
        {
            Connect = async (destination, _) =>
            {
                asked.SetResult(destination);
                await connected.Task;
                return new SocketConnection(pair.Near, "test");
            },
        };
        await using TestApplication application = new(exit);
        TcpFlow flow = application.Connect("203.0.113.7", 443);
        application.Until(() => asked.Task.IsCompleted, "the exit to be asked");
        Assert.Equal(new Destination(IPAddress.Parse("203.0.113.7"), 443), await asked.Task);
        Assert.Equal(TcpState.SynSent, flow.State);
        Assert.Empty(application.Link.FromEntry);

        connected.SetResult();
        application.Until(() => flow.State == TcpState.Established, "the connection");
    }

    [Theory]
    [InlineData(FailureKind.Refused)]
    [InlineData(FailureKind.HostUnreachable)]
    [InlineData(FailureKind.NetworkUnreachable)]
    [InlineData(FailureKind.ExitUnreachable)]
    [InlineData(FailureKind.NameNotFound)]
    public async Task ARefusalAtTheExitReachesTheApplicationAtOnce(FailureKind kind)
    {
        FakeExit exit = new() { Connect = (_, _) => ValueTask.FromException<IConnection>(new CulvertException(kind, "No.")) };
        await using TestApplication application = new(exit);
        TcpFlow flow = application.Connect("203.0.113.7", 443);
        if (kind == FailureKind.Refused)
        {
            application.Until(() => flow.CloseReason == TcpCloseReason.PeerReset, "the reset");
        }
        else
        {
            application.Until(() => application.Others.Count > 0, "an ICMP error");
            Assert.True(IpHeader.TryParse(application.Others[0], out IpHeader ip));
            Assert.Equal(IpProtocol.Icmp, ip.Protocol);
            Assert.Equal(3, application.Others[0][ip.HeaderLength]); // destination unreachable
        }
    }

    [Fact]
    public async Task TheExitsSilenceIsSilence()
    {
        int asked = 0;
        FakeExit exit = new()
        {
            Connect = (_, _) =>
            {
                Interlocked.Increment(ref asked);
                return ValueTask.FromException<IConnection>(new CulvertException(FailureKind.TimedOut, "Nothing."));
            },
        };
        await using TestApplication application = new(exit);
        TcpFlow flow = application.Connect("203.0.113.7", 443);

        // The application's kernel tries again, and that dials again.
        application.Until(() => Volatile.Read(ref asked) >= 2, "a second attempt");
        Assert.Equal(TcpState.SynSent, flow.State);
        Assert.Empty(application.Others);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task BytesGoBothWaysAndEachDirectionEndsOnItsOwn(bool driveSockets)
    {
        using FarSide host = new();
        await using TestApplication application = new(ConnectsTo(host), driveSockets: driveSockets);
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");

        application.Send(flow, "question"u8);
        application.Finish(flow);
        Task<string> question = ReadToEndAsync(host.Far);
        application.Until(() => question.IsCompleted, "the question and its end");
        Assert.Equal("question", await question);

        // The application has finished; the far side goes on.
        await host.Far.SendAsync("answer"u8.ToArray());
        application.Until(() => flow.Received.Length == 6, "the answer");
        Assert.Equal("answer"u8.ToArray(), application.Take(flow));
        host.Far.Shutdown(SocketShutdown.Send);
        application.Until(() => flow.ReceiveFinished, "the far side's end");
        application.Until(() => application.Entry.ActiveFlows == 0, "the flow to unwind");
        Assert.Equal(TcpCloseReason.Finished, TestApplicationReason(application, flow));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AResetAtTheExitIsAResetForTheApplication(bool driveSockets)
    {
        using FarSide host = new();
        await using TestApplication application = new(ConnectsTo(host), driveSockets: driveSockets);
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");
        host.Far.LingerState = new LingerOption(true, 0);
        host.Far.Close();
        application.Until(() => flow.CloseReason == TcpCloseReason.PeerReset, "the reset");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatTheFarSideSentBeforeItsResetArrivesFirst(bool driveSockets)
    {
        using FarSide host = new();
        await using TestApplication application = new(ConnectsTo(host), driveSockets: driveSockets);
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");

        // As a server does that answers too large a request: it answers, and closes with the request unread.
        application.Send(flow, new byte[1000]);
        application.Until(() => host.Far.Available == 1000, "the request");
        await host.Far.SendAsync(new byte[20_000]);
        host.Far.Close();
        long got = 0;
        application.Until(
            () =>
            {
                got += application.Take(flow).Length;
                return flow.CloseReason == TcpCloseReason.PeerReset || flow.ReceiveFinished;
            },
            "the end");
        Assert.Equal(20_000, got);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AResetOfTheApplicationIsAResetAtTheExit(bool driveSockets)
    {
        using FarSide host = new();
        await using TestApplication application = new(ConnectsTo(host), driveSockets: driveSockets);
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");
        application.Abort(flow);
        Task<SocketException> reset = Assert.ThrowsAsync<SocketException>(async () => await host.Far.ReceiveAsync(new byte[1]));
        application.Until(() => reset.IsCompleted, "the reset at the far side");
        Assert.Equal(SocketError.ConnectionReset, (await reset).SocketErrorCode);
    }

    [Fact]
    public async Task GivingUpWhileTheExitConnectsCancelsTheAttempt()
    {
        TaskCompletionSource cancelled = new();
        FakeExit exit = new()
        {
            Connect = async (_, cancellation) =>
            {
                try
                {
                    await Task.Delay(Timeout.Infinite, cancellation);
                    throw new InvalidOperationException();
                }
                finally
                {
                    cancelled.SetResult();
                }
            },
        };
        await using TestApplication application = new(exit);
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => application.Entry.ActiveFlows == 1, "the flow");
        application.Reset(flow);
        application.Until(() => cancelled.Task.IsCompleted, "the attempt to be given up");
        application.Until(() => application.Entry.ActiveFlows == 0, "the flow to unwind");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ASlowExitStopsTheApplicationAndNothingPilesUp(bool driveSockets)
    {
        using FarSide host = new(bufferSize: 4096);
        await using TestApplication application = new(ConnectsTo(host), driveSockets: driveSockets);
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");

        // Nobody reads at the far side: the application's send buffer fills up and stays full.
        int sent = 0;
        application.Until(
            () =>
            {
                Memory<byte> room = flow.GetMemory();
                if (!room.IsEmpty)
                {
                    flow.Advance(room.Length, Culvert.Entries.Tun.LinkLoop.Now);
                    sent += room.Length;
                }

                return sent > 2 << 20 || room.IsEmpty;
            },
            "the buffers to fill");
        long limit = new StackOptions().ReceiveBuffer + new StackOptions().SendBuffer + (1 << 20);
        Assert.InRange(sent, 1, limit);
    }

    [Fact]
    public async Task ANameGoesToTheExitAsAName()
    {
        TaskCompletionSource<Destination> asked = new();
        FakeExit exit = new()
        {
            Connect = (destination, _) =>
            {
                asked.TrySetResult(destination);
                return ValueTask.FromException<IConnection>(new CulvertException(FailureKind.Refused, "No."));
            },
        };
        await using TestApplication application = new(exit);
        IPAddress fake = LookUp(application, "www.example.org");
        application.Connect(fake, 443);
        application.Until(() => asked.Task.IsCompleted, "the exit to be asked");
        Assert.Equal(new Destination("www.example.org", 443), await asked.Task);
    }

    [Fact]
    public async Task DnsOverTcpIsAnsweredWhateverTheAddress()
    {
        await using TestApplication application = new(new FakeExit());
        TcpFlow flow = application.Connect("8.8.8.8", 53);
        application.Until(() => flow.State == TcpState.Established, "the connection");
        byte[] query = Wire.Query("www.example.org", DnsType.A);

        // Two questions at once, the second cut in two.
        application.Send(flow, [0, (byte)query.Length, .. query, 0, (byte)query.Length, .. query[..7]]);
        application.Send(flow, query.AsSpan(7));
        byte[] answer = [];
        application.Until(
            () =>
            {
                answer = [.. answer, .. application.Take(flow)];
                return answer.Length > 4 && answer.Length >= 2 * (2 + ((answer[0] << 8) | answer[1]));
            },
            "both answers");
        Assert.Equal(query[..2], answer.AsSpan(2, 2).ToArray());
        application.Finish(flow);
        application.Until(() => flow.ReceiveFinished, "the end");
    }

    [Fact]
    public async Task UdpThatTheExitDoesNotCarryIsRefusedAtOnce()
    {
        await using TestApplication application = new(new FakeExit());
        application.SendDatagram(5000, new IpEndpoint(IpAddr.From(IPAddress.Parse("203.0.113.7")), 443), "quic?"u8);
        application.Until(() => application.Others.Count > 0, "an ICMP error");
        Assert.True(IpHeader.TryParse(application.Others[0], out IpHeader ip));
        Assert.Equal(IpProtocol.Icmp, ip.Protocol);
        Assert.Equal([3, 3], application.Others[0].AsSpan(ip.HeaderLength, 2).ToArray()); // port unreachable
    }

    [Fact]
    public async Task OneAssociationServesAllAddressesAndEachNameHasItsOwn()
    {
        List<MemoryAssociation> opened = [];
        FakeExit exit = new()
        {
            Associate = () =>
            {
                MemoryAssociation association = new(static (payload, to) =>
                    [(payload, to.Name is null ? to : new Destination(IPAddress.Parse("192.0.2.99"), to.Port), false)]);
                lock (opened)
                {
                    opened.Add(association);
                }

                return association;
            },
        };
        await using TestApplication application = new(exit);
        IPAddress fake = LookUp(application, "game.example.org");
        application.Others.Clear();
        IpEndpoint first = new(IpAddr.From(IPAddress.Parse("203.0.113.1")), 7000);
        IpEndpoint second = new(IpAddr.From(IPAddress.Parse("203.0.113.2")), 7000);
        IpEndpoint named = new(IpAddr.From(fake), 7000);
        foreach (IpEndpoint to in new[] { first, second, named })
        {
            application.SendDatagram(5000, to, Encoding.ASCII.GetBytes(to.ToString()));
        }

        application.Until(() => application.Others.Count == 3, "three answers");
        Assert.Equal(2, opened.Count);
        foreach (byte[] packet in application.Others)
        {
            Assert.True(IpHeader.TryParse(packet, out IpHeader ip));
            Assert.True(UdpHeader.TryParse(packet.AsSpan(ip.HeaderLength), out UdpHeader udp));

            // The answer to a name comes from the fake address, though the host has another.
            string from = new IpEndpoint(ip.Source, udp.SourcePort).ToString();
            Assert.Equal(from, Encoding.ASCII.GetString(packet.AsSpan(ip.HeaderLength + UdpHeader.Size)));
        }
    }

    [Fact]
    public async Task AnEndpointHasOneAssociationWhicheverQueueItsDatagramsComeBy()
    {
        int opened = 0;
        MemoryAssociation association = new(static (payload, to) => [(payload, to, false)]);
        MemoryLink other = new();
        await using TestApplication application = new(
            new FakeExit
            {
                Associate = () =>
                {
                    Interlocked.Increment(ref opened);
                    return association;
                },
            },
            otherQueue: other);
        IpEndpoint to = new(IpAddr.From(IPAddress.Parse("203.0.113.7")), 7000);
        application.SendDatagram(5000, to, "one"u8);
        application.Until(() => application.Others.Count == 1, "the first answer");
        application.Sending = other;
        application.SendDatagram(5000, to, "two"u8);
        application.Until(() => application.Others.Count == 2, "the answer to what came by the other queue");
        Assert.Equal(1, opened);
        Assert.Empty(other.FromEntry);
    }

    [Fact]
    public async Task AConnectionStaysOnTheQueueItsPacketsComeBy()
    {
        using FarSide host = new();
        MemoryLink other = new();
        await using TestApplication application = new(ConnectsTo(host), otherQueue: other);
        application.Sending = other;
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");
        application.Send(flow, "question"u8.ToArray());
        application.Until(() => host.Far.Available == 8, "the question");
        Assert.Empty(application.Link.FromEntry);
        await application.Entry.DisposeAsync();
        Assert.True(other.IsClosed);
        Assert.Equal(0, application.Entry.OutstandingBlocks);
    }

    [Fact]
    public async Task AnAssociationIsGivenBackAtTheEnd()
    {
        MemoryAssociation association = new(static (payload, to) => [(payload, to, false)]);
        TestApplication application = new(new FakeExit { Associate = () => association });
        application.SendDatagram(5000, new IpEndpoint(IpAddr.From(IPAddress.Parse("203.0.113.7")), 7000), "hello"u8);
        application.Until(() => application.Others.Count > 0, "the answer");
        await application.DisposeAsync().AsTask().WaitAsync(Patience);
        await association.Closed.Task.WaitAsync(Patience);
        Assert.Equal(0, application.Entry.OutstandingBlocks);
    }

    [Fact]
    public async Task AnEntryNeverStartedCanBeDisposedOf()
    {
        using MemoryLink link = new();
        NameService names = new(NamesPolicy.Virtual, new FakeExit());
        Culvert.Entries.Tun.TunEntry entry = new(link, new FakeExit(), names);
        await entry.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.True(link.IsClosed);
    }

    [Fact]
    public async Task AFailureOfTheExitIsToldOnce()
    {
        List<string> told = [];
        FakeExit exit = new() { Connect = (_, _) => ValueTask.FromException<IConnection>(new CulvertException(FailureKind.Authentication, "Wrong password.")) };
        await using TestApplication application = new(exit, warn: told.Add);
        for (int i = 0; i < 3; i++)
        {
            application.Connect("203.0.113.7", 80);
        }

        application.Until(() => application.Others.Count == 3, "three refusals");
        Assert.Equal(["Wrong password."], told);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TheEndResetsWhatIsOpenAndClosesTheLink(bool driveSockets)
    {
        using FarSide host = new();
        TestApplication application = new(ConnectsTo(host), driveSockets: driveSockets);
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");
        await application.DisposeAsync().AsTask().WaitAsync(Patience);
        application.Until(() => flow.CloseReason == TcpCloseReason.PeerReset, "the reset");
        Assert.True(application.Link.IsClosed);
        await Assert.ThrowsAsync<SocketException>(async () => await host.Far.ReceiveAsync(new byte[1]).WaitAsync(Patience));
        Assert.True(application.Entry.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task AnEntryThatRefusesResetsWhatIsOpenAndWhatComesAndStays()
    {
        using FarSide host = new();
        await using TestApplication application = new(ConnectsTo(host));
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");
        await application.Entry.RefuseAsync().WaitAsync(Patience);
        application.Until(() => flow.CloseReason == TcpCloseReason.PeerReset, "the reset");
        TcpFlow late = application.Connect("203.0.113.7", 80);
        application.Until(() => late.CloseReason == TcpCloseReason.PeerReset, "the refusal");
        Assert.False(application.Link.IsClosed);
        Assert.False(application.Entry.Completion.IsCompleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NoBlockIsLeftOutWhenFlowsAreOver(bool driveSockets)
    {
        using FarSide host = new();
        await using TestApplication application = new(ConnectsTo(host), driveSockets: driveSockets);
        TcpFlow flow = application.Connect("203.0.113.7", 80);
        application.Until(() => flow.State == TcpState.Established, "the connection");
        for (int i = 0; i < 20; i++)
        {
            application.Send(flow, new byte[1000]);
        }

        Task<string> all = ReadToEndAsync(host.Far);
        application.Finish(flow);
        application.Until(() => all.IsCompleted, "everything to arrive");
        await host.Far.SendAsync(new byte[5000]);
        host.Far.Shutdown(SocketShutdown.Send);
        application.Until(() => { application.Take(flow); return flow.ReceiveFinished; }, "the far side's end");
        application.Until(() => application.Entry.ActiveFlows == 0, "the flow to unwind");
        await application.Entry.DisposeAsync();
        Assert.Equal(0, application.Entry.OutstandingBlocks);
    }

    private static FakeExit ConnectsTo(FarSide far) =>
        new() { Dial = (dialer, cancellation) => dialer.DialAsync(far.Address, null, "The connection", cancellation) };

    private static TcpCloseReason TestApplicationReason(TestApplication application, TcpFlow flow)
    {
        application.Until(() => flow.State is TcpState.TimeWait or TcpState.Closed, "the end of both directions");
        return flow.State == TcpState.TimeWait ? TcpCloseReason.Finished : flow.CloseReason;
    }

    private static async Task<string> ReadToEndAsync(Socket socket)
    {
        byte[] buffer = new byte[4096];
        StringBuilder text = new();
        while (await socket.ReceiveAsync(buffer) is int count and > 0)
        {
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return text.ToString();
    }

    internal static IPAddress LookUp(TestApplication application, string name)
    {
        byte[] query = Wire.Query(name, DnsType.A);
        application.SendDatagram(4999, new IpEndpoint(IpAddr.From(TunnelAddresses.ResolverV4), 53), query);
        application.Until(() => application.Others.Count > 0, "the answer to a query");
        byte[] packet = application.Others.Last();
        return new IPAddress(packet.AsSpan(packet.Length - 4)); // one A record, and nothing behind it
    }
}
