using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Entries;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Tests.Unit.Entries;
using Xunit;

namespace Culvert.Tests.Unit.Exits;

/// <summary>The socks5 and http exits: against our own proxy entry, and against servers that follow a script.</summary>
public sealed class ProxyExitTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("socks5", null)]
    [InlineData("socks5", "u:p%40ss")]
    [InlineData("http", null)]
    [InlineData("http", "u:p%40ss")]
    public async Task ConnectionsGoThroughAndHalfCloseIsCarried(string scheme, string? user)
    {
        await using EchoServer echo = new();
        await using IExit direct = ExitFactory.Create(ExitUri.Direct);
        await using ProxyEntry proxy = await StartAsync(direct, user is null ? null : new ProxyCredentials("u", "p@ss"));
        await using IExit exit = Exit(scheme, proxy, user);
        await exit.ProbeAsync(default);
        foreach (Destination destination in (Destination[])[new("localhost", echo.Port), new(IPAddress.Loopback, echo.Port)])
        {
            await using IConnection connection = await exit.ConnectAsync(destination, default);
            await connection.WriteAsync(new("hello"u8.ToArray()));
            await connection.FinishAsync();
            Assert.Equal("hello", await ReadToEndAsync(connection));
        }
    }

    [Theory]
    [InlineData("socks5", null)]
    [InlineData("socks5", "u:wrong")]
    [InlineData("http", null)]
    [InlineData("http", "u:wrong")]
    public async Task AWrongPasswordIsAnAuthenticationFailure(string scheme, string? user)
    {
        await using IExit direct = ExitFactory.Create(ExitUri.Direct);
        await using ProxyEntry proxy = await StartAsync(direct, new ProxyCredentials("u", "right"));
        await using IExit exit = Exit(scheme, proxy, user);
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ProbeAsync(default));
        Assert.Equal(FailureKind.Authentication, e.Kind);
        Assert.DoesNotContain("wrong", e.Message, StringComparison.Ordinal);
        e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination("localhost", 1), default));
        Assert.Equal(FailureKind.Authentication, e.Kind);
    }

    [Theory]
    [InlineData("socks5")]
    [InlineData("http")]
    public async Task ARefusedDestinationIsRefusedThroughTheProxyToo(string scheme)
    {
        await using IExit direct = ExitFactory.Create(ExitUri.Direct);
        await using ProxyEntry proxy = await StartAsync(direct);
        await using IExit exit = Exit(scheme, proxy);
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(
            async () => await exit.ConnectAsync(new Destination(IPAddress.Loopback, Ports.Unused()), default));
        Assert.Equal(FailureKind.Refused, e.Kind);
    }

    [Theory]
    [InlineData("socks5")]
    [InlineData("http")]
    public async Task AProxyThatIsNotThereIsAnUnreachableExit(string scheme)
    {
        await using IExit exit = ExitFactory.Create(ExitUri.Parse($"{scheme}://127.0.0.1:{Ports.Unused()}"));
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ProbeAsync(default));
        Assert.Equal(FailureKind.ExitUnreachable, e.Kind);
        e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination("x.test", 1), default));
        Assert.Equal(FailureKind.ExitUnreachable, e.Kind);
    }

    [Theory]
    [InlineData("socks5", "http")]
    [InlineData("http", "socks5")]
    [InlineData("socks5", "socks5")]
    public async Task ExitsAreDialledThroughEachOther(string inner, string outer)
    {
        await using EchoServer echo = new();
        await using IExit direct = ExitFactory.Create(ExitUri.Direct);
        await using ProxyEntry near = await StartAsync(direct);
        await using ProxyEntry far = await StartAsync(direct);
        await using IExit via = Exit(outer, near);
        await using IExit exit = ExitFactory.Create(Uri(inner, far), new ExitOptions { Via = via });
        await using IConnection connection = await exit.ConnectAsync(new Destination("localhost", echo.Port), default);
        await connection.WriteAsync(new("chained"u8.ToArray()));
        await connection.FinishAsync();
        Assert.Equal("chained", await ReadToEndAsync(connection));
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(null, 8_000)]
    [InlineData(null, 65_497)]
    [InlineData("socks5", 8_000)] // one association inside another
    [InlineData("http", 65_507)] // no UDP to the proxy: datagrams inside TCP
    public async Task DatagramsGoThroughSocks(string? outer, int size)
    {
        using Socket far = Ports.BindUdp(IPAddress.Loopback);
        await using IExit direct = ExitFactory.Create(ExitUri.Direct);
        await using ProxyEntry proxy = await StartAsync(direct);
        await using ProxyEntry near = await StartAsync(direct);
        await using IExit? via = outer is null ? null : Exit(outer, near);
        await using IExit exit = ExitFactory.Create(Uri("socks5", proxy), new ExitOptions { Via = via });
        await exit.ProbeAsync(default);
        Assert.Equal(ExitCapabilities.Datagrams, exit.Capabilities);
        await using IAssociation association = await exit.AssociateAsync(default);

        byte[] payload = new byte[size];
        new Random(size).NextBytes(payload);
        Destination destination = new(IPAddress.Loopback, Ports.Of(far));
        await association.SendAsync(payload, destination);
        byte[] buffer = new byte[65_535];
        SocketReceiveFromResult at = await far.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0)).WaitAsync(Soon);
        Assert.Equal(payload, buffer[..at.ReceivedBytes]);
        await far.SendToAsync(payload, at.RemoteEndPoint);
        await association.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(Soon);
        ReceivedDatagram received = await association.ReceiveAsync(buffer).AsTask().WaitAsync(Soon);
        Assert.Equal(destination, received.From);
        Assert.Equal(payload, buffer[..received.Length]);
    }

    [Fact]
    public async Task AnAssociationDiesWithItsConnection()
    {
        await using IExit direct = ExitFactory.Create(ExitUri.Direct);
        ProxyEntry proxy = await StartAsync(direct);
        await using IExit exit = Exit("socks5", proxy);
        await using IAssociation association = await exit.AssociateAsync(default);
        Task receive = association.ReceiveAsync(new byte[10]).AsTask();
        await proxy.DisposeAsync();
        Assert.Equal(FailureKind.Reset, (await Assert.ThrowsAsync<CulvertException>(() => receive.WaitAsync(Soon))).Kind);
    }

    [Fact]
    public async Task AProxyWithoutDatagramsIsAskedOnce()
    {
        await using IExit direct = ExitFactory.Create(ExitUri.Direct);
        await using ProxyEntry tcpOnly = await StartAsync(direct);
        await using IExit http = Exit("http", tcpOnly);
        await using ProxyEntry proxy = await StartAsync(http);
        IExit exit = Exit("socks5", proxy);
        await exit.ProbeAsync(default);
        Assert.Equal(ExitCapabilities.None, exit.Capabilities);
        await proxy.DisposeAsync();
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.AssociateAsync(default)); // nobody was asked: it is gone
        Assert.Equal(FailureKind.NotCarried, e.Kind);
        e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ProbeAsync(default)); // a probe always asks
        Assert.Equal(FailureKind.ExitUnreachable, e.Kind);
        await exit.DisposeAsync();
    }

    [Theory]
    [InlineData("05FF", FailureKind.Authentication)]
    [InlineData("0502", FailureKind.Protocol)] // a method we did not offer
    [InlineData("0400", FailureKind.Protocol)]
    [InlineData("", FailureKind.Protocol)]
    [InlineData("05", FailureKind.Protocol)]
    [InlineData("0500 05020001000000000000", FailureKind.Prohibited)]
    [InlineData("0500 0503", FailureKind.HostUnreachable)] // hangs up in the middle
    [InlineData("0500 05030001000000000000", FailureKind.NetworkUnreachable)]
    [InlineData("0500 05040001000000000000", FailureKind.HostUnreachable)]
    [InlineData("0500 05050000000000000000", FailureKind.Refused)] // no address type: seen in the wild
    [InlineData("0500 05060001000000000000", FailureKind.TimedOut)]
    [InlineData("0500 05070001000000000000", FailureKind.NotCarried)]
    [InlineData("0500 05000009000000000000", FailureKind.Protocol)]
    [InlineData("0500 04000001000000000000", FailureKind.Protocol)]
    public async Task SocksAnswersAreUnderstood(string answer, FailureKind kind)
    {
        await using ScriptedServer server = new(Convert.FromHexString(answer.Replace(" ", "", StringComparison.Ordinal)));
        await using IExit exit = ExitFactory.Create(ExitUri.Parse($"socks5://127.0.0.1:{server.Port}"));
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination("x.test", 1), default).AsTask().WaitAsync(Soon));
        Assert.Equal(kind, e.Kind);
    }

    [Theory]
    [InlineData("HTTP/1.1 407 No\r\n\r\n", FailureKind.Authentication)]
    [InlineData("HTTP/1.0 403 Forbidden\r\n\r\n", FailureKind.Prohibited)]
    [InlineData("HTTP/1.1 400 Bad\r\n\r\n", FailureKind.HostUnreachable)] // about the destination: nothing to tell the person
    [InlineData("HTTP/1.1 502 Bad\r\n\r\n", FailureKind.HostUnreachable)]
    [InlineData("HTTP/1.1 502 Bad\r\nProxy-Status: squid; error=connection_refused\r\n\r\n", FailureKind.Refused)]
    [InlineData("HTTP/1.1 504 Late\r\n\r\n", FailureKind.TimedOut)]
    [InlineData("HTTP/1.1 200\r\nbad field\r\n\r\n", FailureKind.Protocol)]
    [InlineData("SSH-2.0-OpenSSH\r\n", FailureKind.Protocol)]
    [InlineData("HTTP/1.1 2", FailureKind.Protocol)]
    [InlineData("", FailureKind.Protocol)]
    public async Task HttpAnswersAreUnderstood(string answer, FailureKind kind)
    {
        await using ScriptedServer server = new(Encoding.Latin1.GetBytes(answer));
        await using IExit exit = ExitFactory.Create(ExitUri.Parse($"http://127.0.0.1:{server.Port}"));
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ConnectAsync(new Destination("x.test", 1), default).AsTask().WaitAsync(Soon));
        Assert.Equal(kind, e.Kind);
    }

    [Theory]
    [InlineData("http", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 Connection established\r\nX: y\r\n\r\nSSH-2.0")]
    [InlineData("socks5", "\x05\0\x05\0\0\x03\x04host\0\x16SSH-2.0")]
    public async Task BytesBehindTheAnswerAreKeptHoweverTheyArrive(string scheme, string answer)
    {
        foreach (bool slowly in (bool[])[false, true])
        {
            await using ScriptedServer server = new(Encoding.Latin1.GetBytes(answer)) { Slowly = slowly };
            await using IExit exit = ExitFactory.Create(ExitUri.Parse($"{scheme}://127.0.0.1:{server.Port}"));
            await using IConnection connection = await exit.ConnectAsync(new Destination("x.test", 22), default).AsTask().WaitAsync(Soon);
            Assert.Equal("SSH-2.0", await ReadToEndAsync(connection));
        }
    }

    [Theory]
    [InlineData("socks5")]
    [InlineData("http")]
    public async Task AProxyThatSaysNothingTimesOut(string scheme)
    {
        using Socket silent = Ports.Listen(IPAddress.Loopback);
        await using IExit exit = ExitFactory.Create(
            ExitUri.Parse($"{scheme}://127.0.0.1:{Ports.Of(silent)}"), new ExitOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(50) });
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await exit.ProbeAsync(default).AsTask().WaitAsync(Soon));
        Assert.Equal(FailureKind.ExitUnreachable, e.Kind);
    }

    private static Task<ProxyEntry> StartAsync(IExit exit, ProxyCredentials? credentials = null) => ProxyEntry.StartAsync(
        exit, new ProxyEntryOptions { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], Credentials = credentials, Warn = Assert.Fail });

    private static ExitUri Uri(string scheme, ProxyEntry proxy, string? user = null) =>
        ExitUri.Parse($"{scheme}://{(user is null ? "" : user + "@")}{proxy.Listening[0]}");

    private static IExit Exit(string scheme, ProxyEntry proxy, string? user = null) => ExitFactory.Create(Uri(scheme, proxy, user));

    private static async Task<string> ReadToEndAsync(IConnection connection)
    {
        StringBuilder text = new();
        byte[] buffer = new byte[1000];
        for (int n; (n = await connection.ReadAsync(buffer).AsTask().WaitAsync(Soon)) > 0;)
        {
            text.Append(Encoding.Latin1.GetString(buffer, 0, n));
        }

        return text.ToString();
    }

    /// <summary>Sends every client the same, whatever it says, and finishes.</summary>
    private sealed class ScriptedServer : IAsyncDisposable
    {
        private readonly Socket _listener = Ports.Listen(IPAddress.Loopback);
        private readonly byte[] _answer;
        private readonly Task _loop;

        public ScriptedServer(byte[] answer)
        {
            _answer = answer;
            _loop = RunAsync();
        }

        /// <summary>Byte by byte.</summary>
        public bool Slowly { get; init; }

        public int Port => Ports.Of(_listener);

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _loop;
        }

        private async Task RunAsync()
        {
            try
            {
                while (true)
                {
                    using Socket client = await _listener.AcceptAsync();
                    client.NoDelay = true;
                    for (int at = 0, step = Slowly ? 1 : Math.Max(1, _answer.Length); at < _answer.Length; at += step)
                    {
                        await client.SendAsync(_answer.AsMemory(at, step));
                    }

                    client.Shutdown(SocketShutdown.Send);
                    byte[] buffer = ArrayPool<byte>.Shared.Rent(1000);
                    while (await client.ReceiveAsync(buffer) > 0)
                    {
                    }

                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The end.
            }
        }
    }
}
