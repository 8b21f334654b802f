using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Gateway;
using Culvert.Tests.Unit.Flows;
using Culvert.Transports;
using Culvert.Trust;
using Xunit;
using Xunit.Abstractions;

namespace Culvert.Tests.Unit.Sessions;

/// <summary>
/// A session over real sockets and TLS that are cut again and again: reset, swallowed, moved to another address or from TCP to a Unix socket and back. CULVERT_CUTS and
/// CULVERT_CUT_MEBIBYTES say how often, and how much is carried each way meanwhile.
/// </summary>
public sealed class CutTests(ITestOutputHelper output)
{
    private static readonly int Cuts = FromEnvironment("CULVERT_CUTS", 40);
    private static readonly long Size = (long)FromEnvironment("CULVERT_CUT_MEBIBYTES", 96) << 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120 + Cuts);

    [Fact]
    public async Task DownloadUploadEchoAndDatagramsSurviveCutsOfEveryKind()
    {
        string directory = Directory.CreateTempSubdirectory("culvert-cuts-").FullName;
        using Identity gatewayKey = Identity.CreateTemporary();
        using Identity deviceKey = Identity.CreateTemporary();
        using TrustStore trust = new(directory, static _ => { });
        trust.Add(new TrustedPeer { Kind = PeerKind.Device, Name = "laptop", Key = deviceKey.Hash, Added = DateTimeOffset.UnixEpoch });
        CutHosts hosts = new(Size);

        // Shorter than in life, so that a black hole costs the test a second.
        await using VshpGateway gateway = new(hosts, static _ => new Policy([], static _ => false), ExitOptions.Default, trust, GatewayOptions.Default with { Session = Hasty(new VshpOptions()) });
        TlsServer tls = new(new TlsServerOptions { Certificate = TlsServer.CertificateOf(gatewayKey) });
        using Socket tcp = Listen(new IPEndPoint(IPAddress.Loopback, 0));
        using Socket unix = Listen(new UnixDomainSocketEndPoint(Path.Combine(directory, "gateway")));
        _ = AcceptAsync(tcp, tls, gateway);
        _ = AcceptAsync(unix, tls, gateway);

        using CuttingRelay home = new(new IPEndPoint(IPAddress.Loopback, 0), tcp.LocalEndPoint!);
        using CuttingRelay away = new(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0), tcp.LocalEndPoint!);
        using CuttingRelay local = new(new UnixDomainSocketEndPoint(Path.Combine(directory, "wire")), unix.LocalEndPoint!);
        CuttingRelay[] ways = [home, away, local];
        await using DirectExit direct = new(ExitOptions.Default);
        TlsClientOptions options = new() { Pin = gatewayKey.Hash, Identity = deviceKey };
        await using GatewayExit exit = new(
            [.. Array.ConvertAll<CuttingRelay, ITransport>(ways, way => new TlsTransport(Inner(direct, way.At), options))],
            GatewayExitOptions.Default with { Session = Hasty(GatewayExitOptions.Default.Session), HandshakeTimeout = TimeSpan.FromSeconds(3) });

        using CancellationTokenSource stop = new(Limit);
        Progress progress = new();
        Task<byte[]> download = DownloadAsync(exit, progress);
        Task upload = UploadAsync(exit, hosts);
        Task<int> echo = EchoAsync(exit, stop.Token);
        Task<int> datagrams = DatagramsAsync(exit, stop.Token);
        await Task.WhenAny(download, upload, progress.Begun.Task).WaitAsync(Patience.Soon);

        long start = Stopwatch.GetTimestamp();
        TimeSpan longest = TimeSpan.Zero;
        Random random = new(1);
        Dictionary<string, int> kinds = [];
        for (int cut = 1; cut <= Cuts; cut++)
        {
            await progress.ReachAsync(Size * cut / (Cuts + 1), Task.WhenAny(download, upload), stop.Token);
            long resumes = exit.Session!.Counters.Resumes;
            long at = Stopwatch.GetTimestamp();
            string kind = Cut(ways, random);
            kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
            while (exit.Session!.Counters.Resumes == resumes)
            {
                foreach (Task flow in (Task[])[download, upload, echo, datagrams])
                {
                    Assert.False(flow.IsFaulted, $"after cut {cut}, {kind}: {flow.Exception?.InnerException} (the session: {exit.Session.Failure?.Message})");
                }

                Assert.False(stop.IsCancellationRequested, $"the session does not go on after cut {cut}, {kind}: carried {exit.Session.IsCarried}, heard {exit.Session.HeardSinceAttach}, opened {string.Join(' ', Array.ConvertAll(ways, static way => way.Forwarded))}, {exit.Session.Failure}");
                await Task.Delay(1, CancellationToken.None);
            }

            longest = TimeSpan.FromTicks(Math.Max(longest.Ticks, Stopwatch.GetElapsedTime(at).Ticks));
        }

        byte[] expected = Hash(hosts);
        Assert.Equal(expected, await download.WaitAsync(stop.Token));
        await upload.WaitAsync(stop.Token);
        Assert.Equal(expected, await hosts.Uploaded.Task.WaitAsync(stop.Token));
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        long carried = exit.Session!.Counters.Resumes;
        await stop.CancelAsync();
        int echoes = await echo;
        int answers = await datagrams;
        Assert.True(echoes > 0 && answers > 0, $"{echoes} echoes and {answers} datagrams came back");
        Assert.True(carried >= Cuts, $"the session was resumed {carried} times");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Size >> 20} MiB each way, {Cuts} cuts ({string.Join(", ", kinds)}), {carried} resumes in {took.TotalSeconds:F1} s; the longest way back {longest.TotalMilliseconds:F0} ms; {echoes} echoes, {answers} datagrams"));
        Directory.Delete(directory, recursive: true);
    }

    private static VshpOptions Hasty(VshpOptions options) => options with { Heartbeat = 500_000, HeartbeatTimeout = 500_000, GreetingTimeout = 2_000_000 };

    /// <summary>One cut of the way that is in use, whichever that is.</summary>
    private static string Cut(CuttingRelay[] ways, Random random)
    {
        switch (random.Next(10))
        {
            case 0:
                Array.ForEach(ways, static way => way.Swallow());
                return "swallowed";
            case < 5:
                // All but one are away from now on: another address, or another kind of transport.
                CuttingRelay left = ways[random.Next(ways.Length)];
                Array.ForEach(ways, way => way.IsDown = way != left);
                Array.ForEach(ways, static way => way.Reset());
                return "moved";
            default:
                Array.ForEach(ways, static way => way.Reset());
                return "reset";
        }
    }

    private static ITransport Inner(DirectExit direct, EndPoint at) => at is IPEndPoint address
        ? new TcpTransport(direct, new Destination(address.Address, address.Port))
        : new UnixTransport(direct, at.ToString()!);

    private static Socket Listen(EndPoint at)
    {
        Socket socket = CuttingRelay.NewSocket(at);
        socket.Bind(at);
        socket.Listen(64);
        return socket;
    }

    private static async Task AcceptAsync(Socket listener, TlsServer tls, VshpGateway gateway)
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(new SocketConnection(await listener.AcceptAsync(), "The device"), tls, gateway);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task ServeAsync(SocketConnection connection, TlsServer tls, VshpGateway gateway)
    {
        try
        {
            TlsConnection secured = await tls.AcceptAsync(connection, null, default);
            await gateway.ServeAsync(secured, secured.Peer, null, default);
        }
        catch (CulvertException)
        {
            // It was cut before it had begun.
        }
    }

    private static async Task<byte[]> DownloadAsync(GatewayExit exit, Progress progress)
    {
        await using IConnection connection = await exit.ConnectAsync(new Destination("1.1.1.1", CutHosts.Download), default);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[64 << 10];
        while (await connection.ReadAsync(buffer) is > 0 and int count)
        {
            hash.AppendData(buffer, 0, count);
            progress.Add(count);
        }

        await connection.FinishAsync();
        return hash.GetHashAndReset();
    }

    private static async Task UploadAsync(GatewayExit exit, CutHosts hosts)
    {
        await using IConnection connection = await exit.ConnectAsync(new Destination("1.1.1.1", CutHosts.Upload), default);
        await hosts.GiveAsync(connection);
        Assert.Equal(0, await connection.ReadAsync(new byte[1]));
    }

    /// <summary>A keystroke after the other, each of which has to come back, once and in order.</summary>
    private static async Task<int> EchoAsync(GatewayExit exit, CancellationToken stop)
    {
        await using IConnection connection = await exit.ConnectAsync(new Destination("1.1.1.1", CutHosts.Echo), default);
        byte[] number = new byte[4];
        byte[] answer = new byte[4];
        int count = 0;
        for (; !stop.IsCancellationRequested; count++)
        {
            BinaryPrimitives.WriteInt32BigEndian(number, count);
            await connection.WriteAsync(new ReadOnlySequence<byte>(number), CancellationToken.None);
            for (int got = 0; got < answer.Length;)
            {
                int read = await connection.ReadAsync(answer.AsMemory(got), CancellationToken.None);
                Assert.NotEqual(0, read);
                got += read;
            }

            Assert.Equal(count, BinaryPrimitives.ReadInt32BigEndian(answer));
        }

        return count;
    }

    /// <summary>Datagrams may be lost, but none comes twice or changed, and the association stays.</summary>
    private static async Task<int> DatagramsAsync(GatewayExit exit, CancellationToken stop)
    {
        await using IAssociation association = await exit.AssociateAsync(default);
        Destination to = new("1.1.1.1", 53);
        byte[] payload = new byte[1_200];
        byte[] buffer = new byte[2_000];
        HashSet<int> seen = [];
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task sending = Task.Run(
            async () =>
            {
                for (int i = 0; !stop.IsCancellationRequested; i++)
                {
                    BinaryPrimitives.WriteInt32BigEndian(payload, i);
                    await association.SendAsync(payload, to, CancellationToken.None);
                    await Task.Delay(2, CancellationToken.None);
                }
            },
            CancellationToken.None);
        try
        {
            while (true)
            {
                ReceivedDatagram datagram = await association.ReceiveAsync(buffer, over.Token);
                Assert.Equal(payload.Length, datagram.Length);
                Assert.True(seen.Add(BinaryPrimitives.ReadInt32BigEndian(buffer)), "a datagram came twice");
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await sending;
            return seen.Count;
        }
    }

    private static byte[] Hash(CutHosts hosts)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = 0; at < Size;)
        {
            ReadOnlySpan<byte> bytes = hosts.Bytes(at);
            hash.AppendData(bytes);
            at += bytes.Length;
        }

        return hash.GetHashAndReset();
    }

    private static int FromEnvironment(string name, int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : usual;

    /// <summary>How far the download is, and who waits for that.</summary>
    private sealed class Progress
    {
        private readonly Lock _lock = new();
        private long _bytes;
        private long _wanted = long.MaxValue;
        private TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Add(int count)
        {
            Begun.TrySetResult();
            lock (_lock)
            {
                _bytes += count;
                if (_bytes >= _wanted)
                {
                    _wanted = long.MaxValue;
                    _reached.TrySetResult();
                }
            }
        }

        public async Task ReachAsync(long bytes, Task orUntil, CancellationToken stop)
        {
            Task reached;
            lock (_lock)
            {
                if (_bytes >= bytes)
                {
                    return;
                }

                _wanted = bytes;
                _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                reached = _reached.Task;
            }

            await Task.WhenAny(reached, orUntil).WaitAsync(stop);
        }
    }
}
