using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Gateway;
using Culvert.Serving;
using Culvert.Tests.Unit.Entries;
using Culvert.Tests.Unit.Flows;
using Culvert.Trust;
using Xunit;

namespace Culvert.Tests.Unit.Serving;

/// <summary>A whole gateway on loopback, and the exit of a device that is paired with it.</summary>
public sealed class GatewayServerTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("culvert-serve-").FullName;
    private readonly Identity _gateway = Identity.CreateTemporary();
    private readonly Identity _device = Identity.CreateTemporary();
    private readonly BlockingCollection<GatewayEvent> _events = [];
    private readonly ConcurrentQueue<string> _said = [];
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly TrustStore _trust;
    private GatewayServer? _server;

    public GatewayServerTests()
    {
        _trust = new TrustStore(_directory, static _ => { });
        _trust.Add(new TrustedPeer { Kind = PeerKind.Device, Name = "laptop", Key = _device.Hash, Added = DateTimeOffset.UnixEpoch });
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (IAsyncDisposable each in _owned)
        {
            await each.DisposeAsync().AsTask().WaitAsync(Patience.Soon);
        }

        if (_server is not null)
        {
            await _server.DisposeAsync().AsTask().WaitAsync(Patience.Soon);
        }

        _trust.Dispose();
        _gateway.Dispose();
        _device.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task ADeviceLeavesThroughItByTlsAndByUnixSocket()
    {
        string path = Path.Combine(_directory, "socket");
        await ServeAsync(Rules("127.0.0.1"), new ListenAddress(ListenKind.Unix, Path: path));
        await using EchoServer echo = new();
        foreach (string exit in new[] { Tls, $"unix:{path}" })
        {
            await using IConnection connection = await Exit(exit).ConnectAsync(new Destination(IPAddress.Loopback, echo.Port), default);
            await connection.WriteAsync(new("hello"u8.ToArray()));
            byte[] buffer = new byte[5];
            Assert.Equal(5, await connection.ReadAsync(buffer));
        }

        Assert.Equal(new GatewayEvent(GatewayEventKind.Opened, "127.0.0.1", "laptop", ""), Next());
        Assert.Equal(new GatewayEvent(GatewayEventKind.Opened, "local", "", ""), Next());
    }

    [Fact]
    public async Task RulesHoldInTheirOrderADevicesOwnFirst()
    {
        await using EchoServer echo = new();
        await ServeAsync([new RuleText(true, $"127.0.0.1:{echo.Port}"), new RuleText(false, "*")]);
        IExit exit = Exit(Tls);
        await using (await exit.ConnectAsync(new Destination(IPAddress.Loopback, echo.Port), default))
        {
        }

        CulvertException closed = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination(IPAddress.Loopback, echo.Port ^ 1), default));
        Assert.Equal(FailureKind.Prohibited, closed.Kind);
        _trust.Update(PeerKind.Device, _device.Hash, static peer => peer with { Rules = ["deny 127.0.0.0/8"] });
        closed = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination(IPAddress.Loopback, echo.Port), default));
        Assert.Equal(FailureKind.Prohibited, closed.Kind);
    }

    [Fact]
    public async Task ADeviceWhoseRulesAreBrokenReachesNothing()
    {
        await using EchoServer echo = new();
        _trust.Update(PeerKind.Device, _device.Hash, static peer => peer with { Rules = ["permit everything"] });
        await ServeAsync(Rules("127.0.0.1"));
        CulvertException closed = await Assert.ThrowsAsync<CulvertException>(async () => await Exit(Tls).ConnectAsync(new Destination(IPAddress.Loopback, echo.Port), default));
        Assert.Equal(FailureKind.Prohibited, closed.Kind);
        Assert.Contains(_said, static sentence => sentence.Contains("'laptop'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AStrangerIsTurnedAwayAndTold()
    {
        await ServeAsync([]);
        using Identity stranger = Identity.CreateTemporary();
        CulvertException refused = await Assert.ThrowsAsync<CulvertException>(async () => await Exit(Tls, stranger).ProbeAsync(default));
        Assert.Equal(FailureKind.Authentication, refused.Kind);
        Assert.Equal(new GatewayEvent(GatewayEventKind.Refused, "127.0.0.1", "", "unknown-key"), Next());
    }

    [Fact]
    public async Task RevokingEndsTheSessionAtOnceWhoeverWritesTheStore()
    {
        await ServeAsync([]);
        IExit exit = Exit(Tls);
        await exit.ProbeAsync(default);
        Next();
        using (TrustStore other = new(_directory, static _ => { }))
        {
            other.Revoke(PeerKind.Device, "laptop");
        }

        Assert.Equal(new GatewayEvent(GatewayEventKind.Closed, "127.0.0.1", "laptop", "revoked"), Next());
        Assert.Equal(FailureKind.Authentication, (await Assert.ThrowsAsync<CulvertException>(async () => await exit.ProbeAsync(default))).Kind);
    }

    [Fact]
    public async Task NothingLeavesWhileTheRequiredInterfaceIsAway()
    {
        await using EchoServer echo = new();
        await ServeAsync(Rules("127.0.0.1"), change: static settings => settings with { RequiredInterface = "no-such-link" });
        IExit exit = Exit(Tls);
        CulvertException closed = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination(IPAddress.Loopback, echo.Port), default));
        Assert.Equal(FailureKind.NetworkUnreachable, closed.Kind);
        closed = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination("name.example", 80), default));
        Assert.Equal(FailureKind.NetworkUnreachable, closed.Kind);
        Assert.Contains(_said, static sentence => sentence.Contains("no-such-link", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ASessionThatIsCarriedIsCheckedWithoutAPacket()
    {
        await ServeAsync([]);
        IExit exit = Exit(Tls);
        await exit.ProbeAsync(default);
        long sent = ((GatewayExit)exit).Session!.Counters.FramesReceived;
        for (int i = 0; i < 100; i++)
        {
            Assert.NotNull(await exit.CheckAsync(default));
        }

        await exit.ProbeAsync(default); // whatever the checks had asked for would have come back before this
        Assert.Equal(sent + 1, ((GatewayExit)exit).Session!.Counters.FramesReceived);
    }

    [Fact]
    public async Task TenThousandHalfOpenHandshakesAreNothingToADeviceElsewhere()
    {
        await ServeAsync([], ListenAddress.Parse("tls://[::1]:0"), static settings => settings with { Limits = ServeLimits.Default with { HandshakeTime = TimeSpan.FromSeconds(5) } });
        List<Socket> flood = [];
        try
        {
            for (int i = 0; i < 10_000; i++)
            {
                try
                {
                    Socket socket = await DialAsync();
                    flood.Add(socket);
                    await socket.SendAsync(new byte[] { 22, 3, 1 }); // the beginning of a ClientHello, and no more
                }
                catch (SocketException)
                {
                    // Dropped already: there were enough from this address.
                }
            }

            Assert.InRange(_server!.Handshakes, 1, ServeLimits.Default.MaxHandshakesPerAddress);
            await Exit($"tls://{_gateway.Hash}@{_server.Listening[1]["tls://".Length..]}").ProbeAsync(default).AsTask().WaitAsync(Patience.Soon);

            // The slow ones are dropped when their time is over, each of them.
            foreach (Socket socket in flood)
            {
                Assert.Equal(0, await ReadOrResetAsync(socket));
            }
        }
        finally
        {
            flood.ForEach(static socket => socket.Dispose());
        }
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task WhoeverIsNoDeviceMeetsTheWebServer(SslProtocols version)
    {
        await using EchoServer web = new();
        IExit direct = ExitFactory.Create(ExitUri.Direct);
        await ServeAsync([], change: settings => settings with { Decoy = token => direct.ConnectAsync(new Destination(IPAddress.Loopback, web.Port), token) });
        using SslStream tls = new(new NetworkStream(await DialAsync(), ownsSocket: true));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = version,
            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
        });
        Assert.Equal(SslApplicationProtocol.Http11, tls.NegotiatedApplicationProtocol);
        Assert.False(tls.IsMutuallyAuthenticated);
        // Neither the gateway's key nor its name is shown.
        Assert.NotEqual(_gateway.Hash, KeyHash.Of((X509Certificate2)tls.RemoteCertificate!));
        Assert.DoesNotContain("culvert", tls.RemoteCertificate!.Subject, StringComparison.OrdinalIgnoreCase);
        await tls.WriteAsync("hello"u8.ToArray());
        byte[] buffer = new byte[5];
        await tls.ReadExactlyAsync(buffer).AsTask().WaitAsync(Patience.Soon);
        Assert.Equal("hello"u8.ToArray(), buffer);
        await Exit(Tls).ProbeAsync(default); // and devices are served as ever
    }

    [Fact]
    public async Task OneAddressHasSoManyConnections()
    {
        await ServeAsync([], change: static settings => settings with { Limits = ServeLimits.Default with { MaxConnectionsPerAddress = 2 } });
        using Socket first = await DialAsync();
        using Socket second = await DialAsync();
        using Socket third = await DialAsync();
        Task<int>[] reading = [ReadOrResetAsync(first), ReadOrResetAsync(second), ReadOrResetAsync(third)];
        Assert.Equal(0, await await Task.WhenAny(reading));
        Assert.Equal(1, reading.Count(static r => r.IsCompleted));
    }

    private string Tls => $"tls://{_gateway.Hash}@{_server!.Listening[0]["tls://".Length..]}";

    private static RuleText[] Rules(string allow) => [new RuleText(true, allow)];

    private async Task ServeAsync(IReadOnlyList<RuleText> rules, ListenAddress? also = null, Func<ServeSettings, ServeSettings>? change = null)
    {
        ServeSettings settings = new() { Name = "home", Advertise = false, Rules = rules, Listen = [ListenAddress.Parse("tls://127.0.0.1:0"), .. also is null ? [] : new[] { also }] };
        _server = await GatewayServer.StartAsync(change?.Invoke(settings) ?? settings, _trust, _gateway, _said.Enqueue, _events.Add);
    }

    private IExit Exit(string uri, Identity? identity = null)
    {
        IExit exit = ExitFactory.Create(ExitUri.Parse(uri), ExitOptions.Default with { Identity = identity ?? _device });
        _owned.Add(exit);
        return exit;
    }

    private GatewayEvent Next() => _events.TryTake(out GatewayEvent? happened, Patience.Soon) ? happened : throw new TimeoutException("Nothing happened.");

    private async Task<Socket> DialAsync()
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(_server!.Listening[0]["tls://".Length..]));
        return socket;
    }

    private static async Task<int> ReadOrResetAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1]).WaitAsync(Patience.Soon);
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
