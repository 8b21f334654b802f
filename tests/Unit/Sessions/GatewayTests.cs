using System;
using System.Buffers;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Gateway;
using Culvert.Tests.Unit.Exits;
using Culvert.Tests.Unit.Flows;
using Culvert.Transports;
using Culvert.Trust;
using Xunit;

namespace Culvert.Tests.Unit.Sessions;

/// <summary>A device and a gateway with all that stands between them: what flows promise, and what becomes of them when wires break, keys are revoked and gateways restarted.</summary>
public sealed class GatewayTests
{
    [Fact]
    public async Task BytesAndHalfCloseGoThroughTls()
    {
        await using GatewayLab lab = new();
        using Identity gateway = Identity.CreateTemporary();
        using Identity device = Identity.CreateTemporary();
        lab.Trust.Add(new TrustedPeer { Kind = PeerKind.Device, Name = "phone", Key = device.Hash, Added = DateTimeOffset.UnixEpoch });
        TlsServer server = new(new TlsServerOptions { Certificate = TlsServer.CertificateOf(gateway) });
        using Socket listener = Ports.Listen(IPAddress.Loopback);
        Task serving = Task.Run(async () =>
        {
            TlsConnection accepted = await server.AcceptAsync(new SocketConnection(await listener.AcceptAsync(), "device"), null, default);
            await lab.Gateway.ServeAsync(accepted, accepted.Peer, null, default);
        });
        await using DirectExit direct = new(ExitOptions.Default);
        TlsTransport tls = new(new TcpTransport(direct, new Destination(IPAddress.Loopback, Ports.Of(listener))), new TlsClientOptions { Pin = gateway.Hash, Identity = device });
        await using (GatewayExit exit = new([tls], GatewayExitOptions.Default))
        {
            await exit.ProbeAsync(default).AsTask().WaitAsync(Patience.Soon);
            Assert.Equal(ExitCapabilities.Datagrams | ExitCapabilities.Echo | ExitCapabilities.Resolve, exit.Capabilities);
            IConnection connection = await exit.ConnectAsync(GatewayLab.Echo, default).AsTask().WaitAsync(Patience.Soon);
            byte[] sent = RandomNumberGenerator.GetBytes(3_000_000);
            Task<byte[]> back = ReadAllAsync(connection);
            await connection.WriteAsync(new ReadOnlySequence<byte>(sent)).AsTask().WaitAsync(Patience.Soon);
            await connection.FinishAsync();
            Assert.Equal(sent, await back.WaitAsync(Patience.Soon));
            await connection.DisposeAsync();
        }

        await serving.WaitAsync(Patience.Soon);
    }

    [Theory]
    [InlineData("1.1.1.1", FarHosts.Closed, FailureKind.Refused)]
    [InlineData("1.1.1.1", FarHosts.Unreachable, FailureKind.HostUnreachable)]
    [InlineData("127.0.0.1", FarHosts.Echo, FailureKind.Prohibited)]
    public async Task ARefusalHasItsReason(string host, int port, FailureKind kind)
    {
        await using GatewayLab lab = new();
        await FailsAsync(kind, async () => await lab.Exit.ConnectAsync(new Destination(host, port), default));
        Assert.Equal(0, lab.Exit.Session!.OpenFlows);
    }

    [Fact]
    public async Task AResetGoesThroughBothWays()
    {
        await using GatewayLab lab = new();
        IConnection connection = await HeldAsync(lab);
        IConnection far = lab.Hosts.Accepted.Take();
        far.Abort();
        await FailsAsync(FailureKind.Reset, async () => await connection.ReadAsync(new byte[1]));
        await connection.DisposeAsync();

        connection = await HeldAsync(lab);
        far = lab.Hosts.Accepted.Take();
        connection.Abort();
        connection.Abort();
        await FailsAsync(FailureKind.Reset, async () => await connection.ReadAsync(new byte[1]));
        await FailsAsync(FailureKind.Reset, async () => await far.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task AConnectThatNobodyWantsAnyMoreIsGivenUpAtTheGateway()
    {
        await using GatewayLab lab = new();
        using CancellationTokenSource stop = new();
        Task<IConnection> connecting = lab.Exit.ConnectAsync(new Destination("1.1.1.1", FarHosts.Silent), stop.Token).AsTask();
        await lab.Exit.ProbeAsync(default).AsTask().WaitAsync(Patience.Soon);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting).WaitAsync(Patience.Soon);
        await lab.Hosts.GivenUp.Task.WaitAsync(Patience.Soon);
    }

    [Fact]
    public async Task TwoHundredStreamsDoNotMix()
    {
        await using GatewayLab lab = new();
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
        {
            IConnection connection = await lab.Exit.ConnectAsync(GatewayLab.Echo, default);
            byte[] sent = new byte[20_000 + i];
            new Random(i).NextBytes(sent);
            Task<byte[]> back = ReadAllAsync(connection);
            await connection.WriteAsync(new ReadOnlySequence<byte>(sent));
            await connection.FinishAsync();
            Assert.Equal(sent, await back);
            await connection.DisposeAsync();
        })).WaitAsync(Patience.Soon);
        Assert.Equal(1, lab.Opened);
    }

    [Fact]
    public async Task DatagramsPingsAndQuestionsAreAnswered()
    {
        await using GatewayLab lab = new();
        await using IAssociation association = await lab.Exit.AssociateAsync(default).AsTask().WaitAsync(Patience.Soon);
        byte[] buffer = new byte[65_535];
        foreach (int length in (int[])[0, 5, 1_400, 65_000])
        {
            byte[] sent = RandomNumberGenerator.GetBytes(length);
            await association.SendAsync(sent, new Destination("1.1.1.1", 5_000 + (length % 7)));
            await association.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(Patience.Soon); // takes nothing
            ReceivedDatagram datagram = await association.ReceiveAsync(buffer).AsTask().WaitAsync(Patience.Soon);
            Assert.Equal(new Destination("1.1.1.1", 5_000 + (length % 7)), datagram.From);
            Assert.Equal(sent, buffer.AsSpan(0, datagram.Length));
        }

        byte[] ping = RandomNumberGenerator.GetBytes(56);
        Assert.Equal(ping, (await lab.Exit.EchoAsync(new Destination("1.1.1.1", 0), ping, default).AsTask().WaitAsync(Patience.Soon)).ToArray());
        await FailsAsync(FailureKind.Prohibited, async () => await lab.Exit.EchoAsync(new Destination("127.0.0.1", 0), ping, default));
        byte[] question = RandomNumberGenerator.GetBytes(40);
        Assert.Equal(question, (await lab.Exit.ResolveAsync(question, default).AsTask().WaitAsync(Patience.Soon)).ToArray());
    }

    [Fact]
    public async Task ASlowReaderHoldsItsWriterAndNobodyElse()
    {
        await using GatewayLab lab = new();
        IConnection slow = await HeldAsync(lab);
        IConnection far = lab.Hosts.Accepted.Take();
        long written = 0;
        byte[] block = RandomNumberGenerator.GetBytes(64 * 1024);
        Task writing = Task.Run(async () =>
        {
            for (int i = 0; i < 256; i++)
            {
                await slow.WriteAsync(new ReadOnlySequence<byte>(block));
                Interlocked.Add(ref written, block.Length);
            }

            await slow.FinishAsync();
        });
        IConnection other = await lab.Exit.ConnectAsync(GatewayLab.Echo, default).AsTask().WaitAsync(Patience.Soon);
        byte[] buffer = new byte[1024];
        for (int i = 0; i < 500; i++)
        {
            await other.WriteAsync(new ReadOnlySequence<byte>(block, 0, 100)).AsTask().WaitAsync(Patience.Soon);
            await ReadExactlyAsync(other, buffer.AsMemory(0, 100));
        }

        Assert.False(writing.IsCompleted);
        Assert.InRange(Interlocked.Read(ref written), 0, 1 << 20);
        byte[] all = await ReadAllAsync(far).WaitAsync(Patience.Soon);
        Assert.Equal(256 * block.Length, all.Length);
        Assert.Equal(block, all.AsSpan(255 * block.Length));
        await writing.WaitAsync(Patience.Soon);
        await other.DisposeAsync();
        await slow.DisposeAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task TwoHundredCutsInTheMiddleOfATransferLoseNothing(int seed)
    {
        const int Total = 64 << 20;
        const int Cuts = 200;
        Random random = new(seed);
        await using GatewayLab lab = new();
        // Some break within the greeting, most in the middle of much.
        lab.Lasts = () => lab.Opened > Cuts ? long.MaxValue : lab.Opened == 1 ? 100_000 : random.NextInt64(1, random.Next(8) == 0 ? 300 : 700_000);
        IConnection connection = await lab.Exit.ConnectAsync(GatewayLab.Echo, default).AsTask().WaitAsync(Patience.Soon);
        await using IAssociation association = await lab.Exit.AssociateAsync(default).AsTask().WaitAsync(Patience.Soon);
        using IncrementalHash sent = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash received = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Task writing = Task.Run(async () =>
        {
            byte[] block = new byte[50_000];
            for (int left = Total; left > 0;)
            {
                int count = Math.Min(left, block.Length);
                random.NextBytes(block.AsSpan(0, 1000));
                BitConverter.TryWriteBytes(block, left);
                sent.AppendData(block.AsSpan(0, count));
                await connection.WriteAsync(new ReadOnlySequence<byte>(block, 0, count));
                left -= count;
            }

            await connection.FinishAsync();
        });
        byte[] buffer = new byte[64 * 1024];
        int total = 0;
        for (int count; (count = await connection.ReadAsync(buffer).AsTask().WaitAsync(Patience.Soon)) > 0; total += count)
        {
            received.AppendData(buffer.AsSpan(0, count));
        }

        await writing.WaitAsync(Patience.Soon);
        Assert.Equal(Total, total);
        Assert.Equal(sent.GetHashAndReset(), received.GetHashAndReset());
        Assert.True(lab.Opened > Cuts, $"{lab.Opened} wires were used");
        Assert.True(lab.Exit.Session!.Counters.Resumes > Cuts / 2, $"{lab.Exit.Session.Counters.Resumes} resumed");
        Assert.Equal(1, lab.Gateway.Sessions);

        // The association is the same too.
        await association.SendAsync(new byte[9], new Destination("1.1.1.1", 53));
        Assert.Equal(9, (await association.ReceiveAsync(buffer).AsTask().WaitAsync(Patience.Soon)).Length);
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task AfterARestartFlowsAreResetAtOnceAndNewOnesWork()
    {
        await using GatewayLab lab = new(new GatewayOptions { Grace = TimeSpan.FromMilliseconds(50) });
        IConnection connection = await HeldAsync(lab);
        VshpGateway old = lab.Gateway;
        lab.Restart();
        CulvertException e = await FailsAsync(FailureKind.ExitUnreachable, async () => await connection.ReadAsync(new byte[1]));
        Assert.Contains("restarted", e.Message, StringComparison.Ordinal);
        await connection.DisposeAsync();
        await EchoesAsync(lab.Exit);
        Assert.Equal(1, lab.Gateway.Sessions);
        await old.DisposeAsync();
    }

    [Fact]
    public async Task OfTwoWithTheSameTicketOneGoesOnAndTheOtherIsTold()
    {
        await using GatewayLab lab = new(new GatewayOptions { Grace = TimeSpan.FromMilliseconds(50) });
        IConnection device = lab.Open(lab.Key);
        byte[] payload = new byte[Hello.MaxSize];
        Hello hello = new()
        {
            Version = 1,
            LowestVersion = 1,
            ResumeSeconds = 60,
            Capabilities = VshpCapabilities.Resume,
            StreamWindow = 65_536,
            SessionWindow = 65_536,
            Ticket = Ticket(1),
            Software = "test",
        };
        await SayAsync(device, FrameType.Hello, payload.AsMemory(0, hello.Write(payload)));
        Assert.Equal(FrameType.Hello, (await HearAsync(device)).Type);
        lab.Wire!.Break();

        using Identity other = Identity.CreateTemporary();
        lab.Trust.Add(new TrustedPeer { Kind = PeerKind.Device, Name = "phone", Key = other.Hash, Added = DateTimeOffset.UnixEpoch });
        Assert.Equal(VshpReason.TicketUnknown, await ResumeAsync(lab.Open(other.Hash), 1, 9));
        IConnection first = lab.Open(lab.Key);
        Assert.Equal(VshpReason.None, await ResumeAsync(first, 1, 2));
        Assert.Equal(VshpReason.None, await ResumeAsync(lab.Open(lab.Key), 1, 2)); // said again, since the answer was lost
        Assert.Equal(VshpReason.TicketUsed, await ResumeAsync(lab.Open(lab.Key), 1, 3));
        IConnection third = lab.Open(lab.Key);
        Assert.Equal(VshpReason.None, await ResumeAsync(third, 2, 3));
        await SayAsync(third, FrameType.Ack, new byte[8]);
        await SayAsync(third, FrameType.Ping, new byte[8]);
        while ((await HearAsync(third)).Type != FrameType.Pong)
        {
            // Its own signs of life.
        }

        Assert.Equal(VshpReason.TicketUsed, await ResumeAsync(lab.Open(lab.Key), 2, 3)); // heard since: whoever says it again is somebody else
    }

    [Fact]
    public async Task ARevokedDeviceIsCutAtOnceAndTurnedAway()
    {
        await using GatewayLab lab = new();
        IConnection connection = await HeldAsync(lab);
        lab.Trust.Revoke(PeerKind.Device, "laptop");
        await FailsAsync(FailureKind.Authentication, async () => await connection.ReadAsync(new byte[1]));
        await connection.DisposeAsync();
        await FailsAsync(FailureKind.Authentication, async () => await lab.Exit.ConnectAsync(GatewayLab.Echo, default));
        Assert.Equal(0, lab.Gateway.Sessions);
    }

    [Fact]
    public async Task AnUnknownKeyIsTurnedAwayAndAPairedOneWorksThen()
    {
        await using GatewayLab lab = new();
        using Identity stranger = Identity.CreateTemporary();
        lab.Key = stranger.Hash;
        CulvertException e = await FailsAsync(FailureKind.Authentication, async () => await lab.Exit.ProbeAsync(default));
        Assert.Contains("pair", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, lab.Gateway.Sessions);
        lab.Trust.Add(new TrustedPeer { Kind = PeerKind.Device, Name = "stranger", Key = stranger.Hash, Added = DateTimeOffset.UnixEpoch });
        await EchoesAsync(lab.Exit);
    }

    [Fact]
    public async Task SessionsHaveALimit()
    {
        await using GatewayLab lab = new(new GatewayOptions { MaxSessionsOfDevice = 1 });
        await EchoesAsync(lab.Exit);
        await using GatewayExit second = new([lab], GatewayExitOptions.Default);
        await FailsAsync(FailureKind.LimitReached, async () => await second.ConnectAsync(GatewayLab.Echo, default));
        await EchoesAsync(lab.Exit);
    }

    [Fact]
    public async Task WhatIsNotVshpHearsNothing()
    {
        await using GatewayLab lab = new(new GatewayOptions { FirstFrameTime = TimeSpan.FromMilliseconds(50) });
        IConnection foreign = lab.Open(lab.Key);
        await foreign.WriteAsync(new ReadOnlySequence<byte>("GET / HTTP/1.1\r\n\r\n"u8.ToArray()));
        await FailsAsync(FailureKind.Reset, async () => await foreign.ReadAsync(new byte[1]));
        IConnection slow = lab.Open(lab.Key);
        await slow.WriteAsync(new ReadOnlySequence<byte>([0x80]));
        await FailsAsync(FailureKind.Reset, async () => await slow.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task TheLadderIsRacedAndTheBestKept()
    {
        await using GatewayLab lab = new();
        DeadEnd dead = new();
        await using GatewayExit exit = new([dead, lab], GatewayExitOptions.Default);
        IConnection connection = await exit.ConnectAsync(GatewayLab.Echo, default).AsTask().WaitAsync(Patience.Soon);
        Assert.Equal(1, dead.Tried);
        lab.Wire!.Break();
        await connection.WriteAsync(new ReadOnlySequence<byte>("still"u8.ToArray())).AsTask().WaitAsync(Patience.Soon);
        byte[] back = new byte[5];
        await ReadExactlyAsync(connection, back);
        Assert.Equal("still", Encoding.ASCII.GetString(back));
        Assert.Equal(1, dead.Tried);
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task AGatewayThatCannotBeReachedSaysSo()
    {
        await using GatewayExit exit = new([new DeadEnd { Refuses = true }], GatewayExitOptions.Default);
        await FailsAsync(FailureKind.ExitUnreachable, async () => await exit.ConnectAsync(GatewayLab.Echo, default));
        await FailsAsync(FailureKind.ExitUnreachable, async () => await exit.ProbeAsync(default));
    }

    [Fact]
    public async Task AGatewayThatStopsLetsFlowsEnd()
    {
        await using GatewayLab lab = new(new GatewayOptions { Grace = Patience.Soon });
        IConnection connection = await HeldAsync(lab);
        IConnection far = lab.Hosts.Accepted.Take();
        Task stopping = lab.Gateway.DisposeAsync().AsTask();
        await far.WriteAsync(new ReadOnlySequence<byte>("the end"u8.ToArray()));
        await far.FinishAsync();
        Assert.Equal("the end", Encoding.ASCII.GetString(await ReadAllAsync(connection).WaitAsync(Patience.Soon)));
        await connection.FinishAsync();
        await connection.DisposeAsync();
        await stopping.WaitAsync(Patience.Soon / 2);
        Assert.Equal(0, lab.Gateway.Sessions);
    }

    [Fact]
    public async Task AnExitThatIsDisposedOfEndsTheSessionsOfGatewaysThatGoAwayToo()
    {
        await using GatewayLab lab = new(new GatewayOptions { Grace = Patience.Soon });
        IConnection connection = await HeldAsync(lab);
        Task stopping = lab.Gateway.DisposeAsync().AsTask();
        await FailsAsync(FailureKind.ExitUnreachable, async () =>
        {
            while (true)
            {
                await EchoesAsync(lab.Exit); // until it has heard that the gateway goes away, and is turned away from the next session
            }
        });
        await lab.Exit.DisposeAsync().AsTask().WaitAsync(Patience.Soon / 2);
        await FailsAsync(FailureKind.Reset, async () => await connection.ReadAsync(new byte[1]));
        await stopping.WaitAsync(Patience.Soon / 2);
    }

    [Fact]
    public async Task WhatDoesNotEndByItselfIsResetWhenTheGatewayStops()
    {
        await using GatewayLab lab = new(new GatewayOptions { Grace = TimeSpan.FromMilliseconds(50) });
        IConnection connection = await HeldAsync(lab);
        Task stopping = lab.Gateway.DisposeAsync().AsTask();
        await FailsAsync(FailureKind.ExitUnreachable, async () => await connection.ReadAsync(new byte[1]));
        await stopping.WaitAsync(Patience.Soon);
        await connection.DisposeAsync();
    }

    private static async Task<IConnection> HeldAsync(GatewayLab lab) =>
        await lab.Exit.ConnectAsync(new Destination("1.1.1.1", FarHosts.Held), default).AsTask().WaitAsync(Patience.Soon);

    private static async Task EchoesAsync(GatewayExit exit)
    {
        IConnection connection = await exit.ConnectAsync(GatewayLab.Echo, default).AsTask().WaitAsync(Patience.Soon);
        await connection.WriteAsync(new ReadOnlySequence<byte>("hello"u8.ToArray()));
        await connection.FinishAsync();
        Assert.Equal("hello", Encoding.ASCII.GetString(await ReadAllAsync(connection).WaitAsync(Patience.Soon)));
        await connection.DisposeAsync();
    }

    private static async Task<byte[]> ReadAllAsync(IConnection connection)
    {
        ArrayBufferWriter<byte> all = new();
        for (int count; (count = await connection.ReadAsync(all.GetMemory(64 * 1024))) > 0;)
        {
            all.Advance(count);
        }

        return all.WrittenSpan.ToArray();
    }

    private static async Task ReadExactlyAsync(IConnection connection, Memory<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            int count = await connection.ReadAsync(buffer).AsTask().WaitAsync(Patience.Soon);
            Assert.NotEqual(0, count);
            buffer = buffer[count..];
        }
    }

    private static async Task<CulvertException> FailsAsync(FailureKind kind, Func<Task> action)
    {
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(() => action().WaitAsync(Patience.Soon));
        Assert.True(e.Kind == kind, $"{kind} was expected, and it was {e.Kind}: {e.Message}");
        return e;
    }

    private static Bytes32 Ticket(byte number) => new([.. Enumerable.Repeat(number, 32)]);

    private static async Task SayAsync(IConnection connection, FrameType type, ReadOnlyMemory<byte> payload)
    {
        byte[] frame = new byte[FrameHeader.Size + payload.Length];
        new FrameHeader(type, 0, (ushort)payload.Length, 0).Write(frame);
        payload.CopyTo(frame.AsMemory(FrameHeader.Size));
        await connection.WriteAsync(new ReadOnlySequence<byte>(frame));
    }

    private static async Task<(FrameType Type, byte[] Payload)> HearAsync(IConnection connection)
    {
        byte[] head = new byte[FrameHeader.Size];
        await ReadExactlyAsync(connection, head);
        FrameHeader.TryRead(head, out FrameHeader header);
        byte[] payload = new byte[header.Length];
        await ReadExactlyAsync(connection, payload);
        return (header.Type, payload);
    }

    private static async Task<VshpReason> ResumeAsync(IConnection connection, byte ticket, byte next)
    {
        byte[] payload = new byte[Resume.Size];
        new Resume(1, Ticket(ticket), Ticket(next), 0).Write(payload);
        await SayAsync(connection, FrameType.Resume, payload);
        (FrameType type, byte[] answer) = await HearAsync(connection);
        return type == FrameType.Resumed ? VshpReason.None : Gone.TryRead(answer, out Gone gone) ? gone.Reason : VshpReason.Bug;
    }

    private sealed class DeadEnd : ITransport
    {
        public int Tried { get; private set; }

        public bool Refuses { get; init; }

        public string Description => "dead:";

        public async ValueTask<IConnection> OpenAsync(CancellationToken cancellation)
        {
            Tried++;
            if (!Refuses)
            {
                await Task.Delay(Timeout.Infinite, cancellation);
            }

            throw new CulvertException(FailureKind.Refused, "Nobody listens.");
        }
    }
}
