using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Entries;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Tests.Unit.Exits;
using Xunit;

namespace Culvert.Tests.Unit.Entries;

/// <summary>The entry as its clients see it, in bytes.</summary>
public sealed class ProxyEntryTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly DirectExit _exit = new(ExitOptions.Default);
    private readonly List<string> _warnings = [];
    private readonly EchoServer _echo = new();
    private ProxyEntry _entry = null!;

    public async Task InitializeAsync() => _entry = await StartAsync();

    public async Task DisposeAsync()
    {
        await _entry.DisposeAsync();
        await _exit.DisposeAsync();
        await _echo.DisposeAsync();
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task SocksConnectsAndCarriesHalfClose()
    {
        using Client client = await ClientAsync();
        await client.SendAsync([5, 1, 0]);
        Assert.Equal([5, 0], await client.ReadAsync(2));
        await client.SendAsync([5, 1, 0, 1, 127, 0, 0, 1, .. Port(_echo.Port)]);
        Assert.Equal([5, 0, 0, 1, 0, 0, 0, 0, 0, 0], await client.ReadAsync(10));
        await client.SendAsync("hello"u8.ToArray());
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("hello", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task TheWholeHandshakeMayComeByteByByteOrAllAtOnce()
    {
        byte[] all = [5, 2, 0, 2, 5, 1, 0, 3, 9, .. "localhost"u8, .. Port(_echo.Port), .. "early"u8];
        foreach (int step in (int[])[1, all.Length])
        {
            using Client client = await ClientAsync();
            client.Socket.NoDelay = true;
            for (int at = 0; at < all.Length; at += step)
            {
                await client.SendAsync(all[at..(at + step)]);
            }

            client.Socket.Shutdown(SocketShutdown.Send);
            Assert.Equal([5, 0], await client.ReadAsync(2));
            Assert.Equal(0, (await client.ReadAsync(10))[1]);
            Assert.Equal("early", await client.ReadToEndAsync());
        }
    }

    [Fact]
    public async Task ClientsThatGoAwayAtAnyByteLeaveNothingBehind()
    {
        byte[] all = [5, 1, 0, 5, 1, 0, 3, 9, .. "localhost"u8];
        for (int length = 0; length <= all.Length; length++)
        {
            using Client client = await ClientAsync();
            await client.SendAsync(all[..length]);
            client.Socket.Shutdown(SocketShutdown.Send);
            await client.ReadToEndAsync(); // ends: the entry has closed too
        }
    }

    [Theory]
    [InlineData(new byte[] { 5, 1, 2 }, new byte[] { 5, 0xFF })] // no method in common
    [InlineData(new byte[] { 5, 0 }, new byte[] { 5, 0xFF })]
    [InlineData(new byte[] { 5, 1, 0, 5, 2, 0, 1, 127, 0, 0, 1, 0, 1 }, new byte[] { 5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0 })] // BIND
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 2, 127, 0, 0, 1, 0, 1 }, new byte[] { 5, 0, 5, 8, 0, 1, 0, 0, 0, 0, 0, 0 })] // address type
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 3, 0, 0, 1 }, new byte[] { 5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0 })] // empty name
    [InlineData(new byte[] { 5, 1, 0, 4, 1, 0, 1, 127, 0, 0, 1, 0, 1 }, new byte[] { 5, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0 })] // version
    [InlineData(new byte[] { 4, 1, 0, 80, 127, 0, 0, 1, 0 }, new byte[] { 0, 91, 0, 0, 0, 0, 0, 0 })] // SOCKS4
    [InlineData(new byte[] { 0x16, 3, 1 }, new byte[] { })] // TLS
    public async Task WrongHandshakesAreRefusedInTheirOwnWords(byte[] sent, byte[] expected)
    {
        using Client client = await ClientAsync();
        await client.SendAsync(sent);
        Assert.Equal(expected, await client.ReadAllAsync());
    }

    [Fact]
    public async Task ARefusedPortIsARefusalForSocksAndA502ForHttp()
    {
        int unused = Ports.Unused();
        using Client socks = await ClientAsync();
        await socks.SendAsync([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, .. Port(unused)]);
        Assert.Equal([5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0], await socks.ReadAllAsync());

        using Client http = await ClientAsync();
        await http.SendAsync($"CONNECT 127.0.0.1:{unused} HTTP/1.1\r\nHost: x\r\n\r\n");
        string answer = await http.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 502 ", answer, StringComparison.Ordinal);
        Assert.Contains("error=connection_refused", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ThePasswordIsChecked()
    {
        await using ProxyEntry entry = await StartAsync(o => o with { Credentials = new ProxyCredentials("u", "secret") });
        byte[] request = [5, 1, 0, 1, 127, 0, 0, 1, .. Port(_echo.Port)];

        using Client good = await ClientAsync(entry);
        await good.SendAsync([5, 2, 0, 2, 1, 1, (byte)'u', 6, .. "secret"u8, .. request]);
        Assert.Equal([5, 2, 1, 0, 5, 0], await good.ReadAsync(6));

        using Client wrong = await ClientAsync(entry);
        await wrong.SendAsync([5, 1, 2, 1, 1, (byte)'u', 6, .. "Secret"u8, .. request]);
        Assert.Equal([5, 2, 1, 1], await wrong.ReadAllAsync());

        using Client without = await ClientAsync(entry);
        await without.SendAsync([5, 1, 0]);
        Assert.Equal([5, 0xFF], await without.ReadAllAsync());
    }

    [Fact]
    public async Task HttpAsksForThePasswordAndTakesItOnTheSameConnection()
    {
        await using ProxyEntry entry = await StartAsync(o => o with { Credentials = new ProxyCredentials("u", "secret") });
        using Client client = await ClientAsync(entry);
        string request = $"CONNECT 127.0.0.1:{_echo.Port} HTTP/1.1\r\nHost: x\r\n";
        await client.SendAsync(request + "\r\n");
        string refused = await client.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 407 ", refused, StringComparison.Ordinal);
        Assert.Contains("Proxy-Authenticate: Basic realm=", refused, StringComparison.Ordinal);
        await client.ReadAsync(ContentLength(refused));

        await client.SendAsync(request + "Proxy-Authorization: Basic " + Convert.ToBase64String("u:wrong"u8) + "\r\n\r\n");
        refused = await client.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 407 ", refused, StringComparison.Ordinal);
        await client.ReadAsync(ContentLength(refused));

        await client.SendAsync(request + "Proxy-Authorization: Basic " + Convert.ToBase64String("u:secret"u8) + "\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        await client.SendAsync("through"u8.ToArray());
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("through", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task RequestsInAbsoluteFormGoToTheirOriginsOneAfterTheOther()
    {
        await using Origin origin = new();
        using Client client = await ClientAsync();
        string at = $"http://127.0.0.1:{origin.Port}";

        await client.SendAsync($"GET {at}/a?b=c HTTP/1.1\r\nHost: wrong\r\nProxy-Connection: keep-alive\r\nConnection: X-Private\r\nX-Private: 1\r\nX-Public: 2\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal($"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:{origin.Port}\r\nX-Public: 2\r\n\r\n", await client.ReadBodyAsync());

        await client.SendAsync($"POST {at} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.EndsWith("Content-Length: 5\r\n\r\nhello", await client.ReadBodyAsync(), StringComparison.Ordinal);

        const string chunked = "4;x=y\r\nwiki\r\n3\r\npad\r\n0\r\nTrailer: t\r\n\r\n";
        await client.SendAsync($"PUT {at}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.EndsWith("Transfer-Encoding: chunked\r\n\r\n" + chunked, await client.ReadBodyAsync(), StringComparison.Ordinal);

        await client.SendAsync($"HEAD {at}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.Contains("Connection: close", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal("", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task AnOriginThatClosedAKeptConnectionIsAskedAgain()
    {
        await using Origin origin = new() { CloseSilently = true };
        using Client client = await ClientAsync();
        for (int i = 0; i < 3; i++)
        {
            await client.SendAsync($"GET http://127.0.0.1:{origin.Port}/{i} HTTP/1.1\r\nHost: x\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadHeadAsync(), StringComparison.Ordinal);
            Assert.StartsWith($"GET /{i} ", await client.ReadBodyAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(3, origin.Connections);
    }

    [Fact]
    public async Task ContinueIsPassedOnBeforeTheBodyIsSent()
    {
        await using Origin origin = new();
        using Client client = await ClientAsync();
        await client.SendAsync($"POST http://127.0.0.1:{origin.Port}/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100 Continue\r\n", await client.ReadHeadAsync(), StringComparison.Ordinal);
        await client.SendAsync("body"u8.ToArray());
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.EndsWith("body", await client.ReadBodyAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnUpgradeBecomesATunnel()
    {
        await using Origin origin = new();
        using Client client = await ClientAsync();
        await client.SendAsync($"GET http://127.0.0.1:{origin.Port}/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        string head = await client.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);
        Assert.Contains("Upgrade: echo\r\n", head, StringComparison.Ordinal);
        await client.SendAsync("raw bytes"u8.ToArray());
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("raw bytes", await client.ReadToEndAsync());
    }

    [Theory]
    [InlineData("GET", "")] // not asked for
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: echo\r\nUpgrade: other\r\n")] // not passed on, so not asked for
    [InlineData("POST", "Connection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 5\r\n")] // the body is still to come
    public async Task AnUpgradeOutOfPlaceIsRefusedAndGetsNoFurtherBytes(string method, string fields)
    {
        using Socket listener = Ports.Listen(IPAddress.Loopback);
        using Client client = await ClientAsync();
        await client.SendAsync($"{method} http://127.0.0.1:{Ports.Of(listener)}/ HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        using Client origin = new(await listener.AcceptAsync().WaitAsync(Soon));
        await origin.ReadHeadAsync();
        await origin.SendAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        string answer = await client.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 502 ", answer, StringComparison.Ordinal);
        Assert.Contains("error=http_protocol_error", answer, StringComparison.Ordinal);
        await client.SendAsync("GET http://elsewhere.test/ HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.Empty(await origin.ReadAllAsync());
    }

    [Theory]
    [InlineData("", "HTTP/1.1 504 ")] // no head
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "HTTP/1.1 200 ")] // a body that stops
    public async Task ASilentOriginIsGivenUpAfterTheIdleTimeout(string answered, string expected)
    {
        RelayOptions relay = new() { IdleTimeout = TimeSpan.FromSeconds(1) };
        await using ProxyEntry entry = await StartAsync(o => o with { Limits = EntryLimits.Default with { Relay = relay } });
        using Socket listener = Ports.Listen(IPAddress.Loopback);
        using Client client = await ClientAsync(entry);
        await client.SendAsync($"GET http://127.0.0.1:{Ports.Of(listener)}/ HTTP/1.1\r\nHost: x\r\n\r\n");
        using Client origin = new(await listener.AcceptAsync().WaitAsync(Soon));
        await origin.ReadHeadAsync();
        await origin.SendAsync(answered);
        Assert.StartsWith(expected, await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Empty(await origin.ReadAllAsync()); // closed too
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "400")]
    [InlineData("GET https://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400")]
    [InlineData("GET http://u:p@x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400")]
    [InlineData("CONNECT x HTTP/1.1\r\n\r\n", "400")]
    [InlineData("CONNECT x:y HTTP/1.1\r\n\r\n", "400")]
    [InlineData("POST http://x/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400")]
    [InlineData("POST http://x/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400")]
    [InlineData("GET http://x/ HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", "400")]
    [InlineData("GET http://x/ HTTP/1.1\r\nHost : x\r\n\r\n", "400")]
    [InlineData("GET http://x/ HTTP/2.0\r\n\r\n", "400")]
    [InlineData("hello\r\n\r\n", "400")]
    public async Task WhatIsNotARequestForAProxyIsRefused(string request, string status)
    {
        using Client client = await ClientAsync();
        await client.SendAsync(request);
        Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHeadOverTheLimitIsRefused()
    {
        using Client client = await ClientAsync();
        await client.SendAsync("GET http://x/ HTTP/1.1\r\nX: " + new string('x', 70_000) + "\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 431 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8_000)]
    [InlineData(65_497)] // with SOCKS's header of ten bytes the largest UDP packet
    public async Task DatagramsGoThroughAnAssociation(int size)
    {
        using Socket far = Ports.BindUdp(IPAddress.Loopback);
        using Client client = await ClientAsync();
        await client.SendAsync([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]);
        byte[] reply = await client.ReadAsync(12);
        Assert.Equal([5, 0, 5, 0, 0, 1, 127, 0, 0, 1], reply[..10]);
        IPEndPoint relay = new(IPAddress.Loopback, (reply[10] << 8) | reply[11]);

        using Socket own = Ports.BindUdp(IPAddress.Loopback);
        byte[] header = [0, 0, 0, 1, 127, 0, 0, 1, .. Port(Ports.Of(far))];
        byte[] payload = new byte[size];
        new Random(size).NextBytes(payload);
        await own.SendToAsync((byte[])[0, 0, 1, .. header[3..], 9, 9], relay); // a fragment: dropped
        await own.SendToAsync((byte[])[.. header, .. payload], relay);
        byte[] buffer = new byte[65_535];
        SocketReceiveFromResult at = await far.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0)).WaitAsync(Soon);
        Assert.Equal(payload, buffer[..at.ReceivedBytes]);

        using Socket stranger = Ports.BindUdp(IPAddress.Loopback);
        await stranger.SendToAsync((byte[])[.. header, 7], relay); // another port: dropped
        await far.SendToAsync(buffer.AsMemory(0, size), at.RemoteEndPoint);
        int count = await own.ReceiveAsync(buffer).WaitAsync(Soon);
        Assert.Equal((byte[])[.. header, .. payload], buffer[..count]);
        Assert.Equal(0, far.Available);

        client.Dispose();
    }

    [Fact]
    public async Task AnAssociationEndsWithItsConnection()
    {
        using Client client = await ClientAsync();
        await client.SendAsync([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]);
        byte[] reply = await client.ReadAsync(12);
        client.Socket.Shutdown(SocketShutdown.Send);
        await client.ReadToEndAsync();
        using Socket own = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await own.ConnectAsync(new IPEndPoint(IPAddress.Loopback, (reply[10] << 8) | reply[11]));
        await own.SendAsync(new byte[1]);
        SocketException e = await Assert.ThrowsAsync<SocketException>(async () => await own.ReceiveAsync(new byte[1]).WaitAsync(Soon));
        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
    }

    [Fact]
    public async Task DatagramsGoInsideTheConnection()
    {
        using Socket far = Ports.BindUdp(IPAddress.Loopback);
        using Client client = await ClientAsync();
        byte[] payload = new byte[60_000];
        new Random(3).NextBytes(payload);
        byte[] record = [0xEA, 0x60, 10, 1, 127, 0, 0, 1, .. Port(Ports.Of(far)), .. payload];
        await client.SendAsync([5, 1, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0, .. record]);
        Assert.Equal([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0], await client.ReadAsync(12));
        byte[] buffer = new byte[65_535];
        SocketReceiveFromResult at = await far.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0)).WaitAsync(Soon);
        Assert.Equal(payload, buffer[..at.ReceivedBytes]);
        await far.SendToAsync(payload, at.RemoteEndPoint);
        Assert.Equal(record, await client.ReadAsync(record.Length));
    }

    [Fact]
    public async Task ClientsThatSayNothingAreClosed()
    {
        await using ProxyEntry entry = await StartAsync(o => o with { Limits = new EntryLimits { HandshakeTimeout = TimeSpan.FromMilliseconds(50) } });
        foreach (byte[] start in (byte[][])[[], [5], [5, 1, 0], [.. "GET http"u8]])
        {
            using Client client = await ClientAsync(entry);
            await client.SendAsync(start);
            await client.ReadAllAsync();
        }
    }

    [Fact]
    public async Task AtTheLimitNewcomersWait()
    {
        await using ProxyEntry entry = await StartAsync(o => o with { Limits = new EntryLimits { MaxConnections = 1 } });
        using Client first = await ClientAsync(entry);
        await first.SendAsync([5, 1, 0]);
        Assert.Equal([5, 0], await first.ReadAsync(2));
        using Client second = await ClientAsync(entry);
        await second.SendAsync([5, 1, 0]);
        Task<byte[]> answer = second.ReadAsync(2);
        Assert.False(answer.IsCompleted);
        first.Dispose();
        Assert.Equal([5, 0], await answer);
    }

    [Fact]
    public async Task DisposalEndsEverything()
    {
        ProxyEntry entry = await StartAsync();
        using Client client = await ClientAsync(entry);
        await client.SendAsync([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, .. Port(_echo.Port)]);
        await client.ReadAsync(12);
        await entry.DisposeAsync().AsTask().WaitAsync(Soon);
        await Assert.ThrowsAsync<SocketException>(() => client.ReadAsync(1));
    }

    [Fact]
    public async Task ListeningToOthersNeedsAPassword()
    {
        ProxyEntryOptions open = new() { Listen = [new IPEndPoint(IPAddress.Any, 0)] };
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(() => ProxyEntry.StartAsync(_exit, open));
        Assert.Equal(FailureKind.Usage, e.Kind);
        await using ProxyEntry entry = await ProxyEntry.StartAsync(_exit, open with { Credentials = new ProxyCredentials("u", "p") });
        Assert.Single(entry.Listening);
    }

    [Fact]
    public async Task APortInUseIsAnErrorThatNamesItsOwner()
    {
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(() => StartAsync(o => o with { Listen = [(IPEndPoint)_entry.Listening[0]] }));
        Assert.Equal(FailureKind.Configuration, e.Kind);
        if (OperatingSystem.IsLinux())
        {
            Assert.Contains($"(process {Environment.ProcessId})", e.Message, StringComparison.Ordinal);
        }
    }

    internal static byte[] Port(int port) => [(byte)(port >> 8), (byte)port];

    private static int ContentLength(string head)
    {
        const string field = "Content-Length: ";
        int start = head.IndexOf(field, StringComparison.Ordinal) + field.Length;
        return int.Parse(head[start..head.IndexOf('\r', start)], System.Globalization.CultureInfo.InvariantCulture);
    }

    private Task<ProxyEntry> StartAsync(Func<ProxyEntryOptions, ProxyEntryOptions>? with = null)
    {
        ProxyEntryOptions options = new() { Listen = [new IPEndPoint(IPAddress.Loopback, 0)], Warn = _warnings.Add };
        return ProxyEntry.StartAsync(_exit, with?.Invoke(options) ?? options);
    }

    private async Task<Client> ClientAsync(ProxyEntry? entry = null)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync((entry ?? _entry).Listening[0]);
        return new Client(socket);
    }

    /// <summary>A client of the proxy.</summary>
    private sealed class Client(Socket socket) : IDisposable
    {
        public Socket Socket => socket;

        public async Task SendAsync(byte[] data) => await socket.SendAsync(data);

        public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

        public async Task<byte[]> ReadAsync(int count)
        {
            byte[] buffer = new byte[count];
            for (int at = 0; at < count;)
            {
                int n = await socket.ReceiveAsync(buffer.AsMemory(at)).AsTask().WaitAsync(Soon);
                Assert.True(n > 0, "the end came early");
                at += n;
            }

            return buffer;
        }

        public async Task<byte[]> ReadAllAsync()
        {
            using MemoryStream all = new();
            byte[] buffer = new byte[4096];
            try
            {
                for (int n; (n = await socket.ReceiveAsync(buffer).WaitAsync(Soon)) > 0;)
                {
                    all.Write(buffer, 0, n);
                }
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                // An end too.
            }

            return all.ToArray();
        }

        public async Task<string> ReadToEndAsync() => Encoding.Latin1.GetString(await ReadAllAsync());

        public async Task<string> ReadHeadAsync()
        {
            StringBuilder text = new();
            while (text.Length < 4 || text.ToString(text.Length - 4, 4) != "\r\n\r\n")
            {
                text.Append((char)(await ReadAsync(1))[0]);
            }

            return text.ToString();
        }

        /// <summary>The one chunk that <see cref="Origin"/> answers with.</summary>
        public async Task<string> ReadBodyAsync()
        {
            StringBuilder size = new();
            while (size.Length < 2 || size[^1] != '\n')
            {
                size.Append((char)(await ReadAsync(1))[0]);
            }

            int length = Convert.ToInt32(size.ToString().Trim(), 16);
            string body = Encoding.Latin1.GetString(await ReadAsync(length));
            Assert.Equal("\r\n0\r\n\r\n", Encoding.Latin1.GetString(await ReadAsync(7)));
            return body;
        }

        public void Dispose() => socket.Dispose();
    }
}
