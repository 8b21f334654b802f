using System;
using System.Buffers;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Tests.Unit.Exits;
using Culvert.Tests.Unit.Flows;
using Culvert.Transports;
using Culvert.Trust;
using Xunit;

namespace Culvert.Tests.Unit.Transports;

public sealed class TlsTests : IDisposable
{
    private readonly Identity _gateway = Identity.CreateTemporary();
    private readonly Identity _device = Identity.CreateTemporary();
    private readonly string _directory = Directory.CreateTempSubdirectory("culvert-tls-").FullName;

    public void Dispose()
    {
        _gateway.Dispose();
        _device.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task BothSidesLearnEachOthersKeyAndBytesPassBothWays()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        (TlsConnection device, TlsConnection gateway) = await ShakeAsync(pair, Server(), Client());
        Assert.Equal(_gateway.Hash, device.Peer);
        Assert.Equal(_device.Hash, gateway.Peer);
        Assert.Equal(TlsProtocols.Vshp, gateway.Protocol);

        await device.WriteAsync(Pieces("one", "two", new string('x', 100_000), "three"));
        Assert.Equal("onetwo" + new string('x', 100_000) + "three", await ReadAsync(gateway, 100_011));
        await gateway.WriteAsync(Pieces("back"));
        Assert.Equal(0, await device.ReadAsync(Memory<byte>.Empty).AsTask().WaitAsync(Patience.Soon));
        Assert.Equal("back", await ReadAsync(device, 4));

        // Half-closed one way, the other goes on.
        await device.FinishAsync();
        Assert.Equal(0, await gateway.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience.Soon));
        await gateway.WriteAsync(Pieces("still"));
        Assert.Equal("still", await ReadAsync(device, 5));
        await gateway.FinishAsync();
        Assert.Equal(0, await device.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience.Soon));
        await device.DisposeAsync();
        await gateway.DisposeAsync();
    }

    [Fact]
    public async Task AnAbortIsAResetForTheOtherSide()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        (TlsConnection device, TlsConnection gateway) = await ShakeAsync(pair, Server(), Client());
        device.Abort();
        device.Abort();
        await FailsAsync(FailureKind.Reset, async () => await gateway.ReadAsync(new byte[1]));
        await FailsAsync(FailureKind.Reset, async () => await device.ReadAsync(new byte[1]));
        await gateway.DisposeAsync();
    }

    [Fact]
    public async Task AnotherKeyThanThePinnedOneIsUntrusted()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        using Identity stranger = Identity.CreateTemporary();
        Task<TlsConnection> accept = Server().AcceptAsync(new SocketConnection(pair.Far, "far"), null, default).AsTask();
        CulvertException e = await FailsAsync(FailureKind.Untrusted, async () => await Client(pin: stranger.Hash).OpenAsync(new SocketConnection(pair.Near, "near")));
        Assert.Contains(_gateway.Hash.ToString(), e.Message, StringComparison.Ordinal);
        Assert.Contains(stranger.Hash.ToString(), e.Message, StringComparison.Ordinal);
        await LeftAsync(accept);
    }

    [Fact]
    public async Task ACertificateOfNobodyIsUntrustedWithoutAPin()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        Task<TlsConnection> accept = Server().AcceptAsync(new SocketConnection(pair.Far, "far"), null, default).AsTask();
        await FailsAsync(FailureKind.Untrusted, async () => await new Dialled(new TlsClientOptions { Pin = null, Identity = null, ServerName = "gateway.test" }).OpenAsync(new SocketConnection(pair.Near, "near")));
        await LeftAsync(accept);
    }

    [Fact]
    public async Task WhoShowsNoKeyIsNoDevice()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        Task<TlsConnection> accept = Server().AcceptAsync(new SocketConnection(pair.Far, "far"), null, default).AsTask();
        Task<TlsConnection> open = new Dialled(new TlsClientOptions { Pin = _gateway.Hash, Identity = null }).OpenAsync(new SocketConnection(pair.Near, "near"));
        await FailsAsync(FailureKind.Protocol, async () => await accept);
        // In TLS 1.3 the client is through before the server has looked.
        TlsConnection early = await open;
        await FailsAsync(FailureKind.Reset, async () => await early.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task ANormalCertificateMayStandOutsideAndAKeyInside()
    {
        (string certificate, string key) = WriteCertificate();
        TlsServer outer = new(new TlsServerOptions { Certificate = OutsideCertificate.Load(certificate, key), RequireKey = false });
        using X509Certificate2 shown = X509Certificate2.CreateFromPemFile(certificate, key);
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        Task<TlsConnection> accept = Task.Run(async () =>
        {
            TlsConnection outside = await outer.AcceptAsync(new SocketConnection(pair.Far, "far"), null, default);
            Assert.Null(outside.Peer);
            return await Server().AcceptAsync(outside, null, default);
        });
        TlsTransport outside = new(new GivenTransport(new SocketConnection(pair.Near, "near")), new TlsClientOptions { Pin = KeyHash.Of(shown), Identity = null, ServerName = "gateway.test" });
        TlsConnection device = await new TlsTransport(outside, new TlsClientOptions { Pin = _gateway.Hash, Identity = _device }).OpenAsync(default).AsTask().WaitAsync(Patience.Soon);
        TlsConnection gateway = await accept.WaitAsync(Patience.Soon);
        Assert.Equal(_device.Hash, gateway.Peer);
        await device.WriteAsync(Pieces("within"));
        Assert.Equal("within", await ReadAsync(gateway, 6));
    }

    [Fact]
    public void CertificatesThatDoNotFitAreAConfiguration()
    {
        (string certificate, string key) = WriteCertificate();
        string garbage = Path.Combine(_directory, "garbage.pem");
        File.WriteAllText(garbage, "nothing\n");
        string other = Path.Combine(_directory, "other.pem");
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.WriteAllText(other, ecdsa.ExportPkcs8PrivateKeyPem());
        foreach ((string c, string k) in new[] { (garbage, key), (certificate, garbage), (certificate, other), (certificate, "/nonexistent") })
        {
            Assert.Equal(FailureKind.Configuration, Assert.Throws<CulvertException>(() => OutsideCertificate.Load(c, k)).Kind);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0000")] // a record of a handshake with nothing right in it
    [InlineData("\u0016\u0003\u0001")] // and the end in the middle of a record's head
    [InlineData("")]
    public async Task WhatIsNoHandshakeEndsCleanly(string bytes)
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        TlsServer server = Server();
        Task<TlsConnection> accept = server.AcceptAsync(new SocketConnection(pair.Far, "far"), IPAddress.Loopback, default).AsTask();
        await pair.Near.SendAsync(Encoding.Latin1.GetBytes(bytes));
        pair.Near.Shutdown(SocketShutdown.Send);
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await accept.WaitAsync(Patience.Soon));
        Assert.True(e.Kind is FailureKind.Protocol or FailureKind.Reset, e.ToString());
        Assert.Equal(0, server.HandshakesUnderWay);
        await DrainAsync(pair.Near);
    }

    [Fact]
    public async Task WhoSaysNothingIsDroppedInTime()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        TlsServer server = Server(HandshakeLimits.Default with { Time = TimeSpan.FromMilliseconds(50) });
        await FailsAsync(FailureKind.TimedOut, async () => await server.AcceptAsync(new SocketConnection(pair.Far, "far"), null, default));
        Assert.Equal(0, server.HandshakesUnderWay);
        await DrainAsync(pair.Near);
    }

    [Fact]
    public async Task WhoTricklesIsDroppedInTime()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        TlsServer server = Server(HandshakeLimits.Default with { Time = TimeSpan.FromMilliseconds(300) });
        Task<TlsConnection> accept = server.AcceptAsync(new SocketConnection(pair.Far, "far"), null, default).AsTask();
        await pair.Near.SendAsync("\u0016\u0003\u0001\u0001\u0000\u0001"u8.ToArray()); // a record that does not come to its end
        await FailsAsync(FailureKind.TimedOut, async () => await accept);
    }

    [Fact]
    public async Task AGatewayThatSaysNothingIsGivenUp()
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        TlsClientOptions options = new() { Pin = _gateway.Hash, Identity = _device, HandshakeTimeout = TimeSpan.FromMilliseconds(50) };
        await FailsAsync(FailureKind.TimedOut, async () => await new Dialled(options).OpenAsync(new SocketConnection(pair.Near, "near")));
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2p1\r\n", FailureKind.Protocol)]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", FailureKind.Protocol)]
    public async Task WhatIsNoGatewayIsAProtocolFailure(string bytes, FailureKind kind)
    {
        using LoopbackPair pair = await LoopbackPair.ConnectAsync();
        await pair.Far.SendAsync(Encoding.Latin1.GetBytes(bytes));
        await FailsAsync(kind, async () => await Client().OpenAsync(new SocketConnection(pair.Near, "near")));
    }

    [Fact]
    public async Task HandshakesThatAreHalfOpenHaveALimit()
    {
        TlsServer server = Server(HandshakeLimits.Default with { Total = 3, PerAddress = 2 });
        IPAddress one = IPAddress.Parse("192.0.2.1");
        IPAddress two = IPAddress.Parse("2001:db8::1");
        List<LoopbackPair> pairs = [];
        List<Task<TlsConnection>> accepts = [];
        foreach (IPAddress from in new[] { one, one, two })
        {
            LoopbackPair pair = await LoopbackPair.ConnectAsync();
            pairs.Add(pair);
            accepts.Add(server.AcceptAsync(new SocketConnection(pair.Far, "far"), from, default).AsTask());
        }

        Assert.Equal(3, server.HandshakesUnderWay);
        using LoopbackPair last = await LoopbackPair.ConnectAsync();
        await FailsAsync(FailureKind.LimitReached, async () => await server.AcceptAsync(new SocketConnection(last.Far, "far"), IPAddress.Parse("192.0.2.2"), default));
        await DrainAsync(last.Near); // and it was dropped

        // One ends, another may begin; but not from an address that has enough.
        pairs[2].Near.Close();
        await EndsAsync(accepts[2]);
        using LoopbackPair more = await LoopbackPair.ConnectAsync();
        await FailsAsync(FailureKind.LimitReached, async () => await server.AcceptAsync(new SocketConnection(more.Far, "far"), one, default));
        using LoopbackPair good = await LoopbackPair.ConnectAsync();
        await ShakeAsync(good, server, Client());
        pairs.ForEach(static p => p.Near.Close());
        await EndsAsync(accepts[0]);
        await EndsAsync(accepts[1]);
        Assert.Equal(0, server.HandshakesUnderWay);
        pairs.ForEach(static p => p.Dispose());
    }

    [Fact]
    public void NeighboursInOneNetworkOfIPv6CountTogether()
    {
        AddressCount count = new(total: 256, perAddress: 1);
        Assert.True(count.TryBegin(IPAddress.Parse("2001:db8::1")));
        Assert.False(count.TryBegin(IPAddress.Parse("2001:db8::2")));
        Assert.True(count.TryBegin(IPAddress.Parse("2001:db8:0:1::1")));
        Assert.True(count.TryBegin(IPAddress.Parse("192.0.2.1")));
        Assert.True(count.TryBegin(IPAddress.Parse("192.0.2.2")));
        Assert.False(count.TryBegin(IPAddress.Parse("::ffff:192.0.2.2")));
        count.End(IPAddress.Parse("2001:db8::1"));
        Assert.True(count.TryBegin(IPAddress.Parse("2001:db8::2")));
    }

    [Fact]
    public async Task OpenSslIsADevice()
    {
        using Socket listener = Ports.Listen(IPAddress.Loopback);
        Task<(TlsConnection Connection, string Said)> serve = Task.Run(async () =>
        {
            TlsConnection connection = await Server().AcceptAsync(new SocketConnection(await listener.AcceptAsync(), "far"), IPAddress.Loopback, default);
            return (connection, await ReadAsync(connection, 6));
        });
        (string certificate, string key) = WriteCertificate();
        using Process client = OpenSsl.Start("s_client", "-connect", $"127.0.0.1:{Ports.Of(listener)}", "-tls1_3", "-cert", certificate, "-key", key, "-alpn", "culvert/1", "-quiet");
        await client.StandardInput.WriteAsync("hello\n");
        await client.StandardInput.FlushAsync();
        (TlsConnection connection, string said) = await serve.WaitAsync(Patience.Soon);
        Assert.Equal("hello\n", said);

        // The same hash as the tools of others give.
        string spki = Path.Combine(_directory, "spki.der");
        await OpenSsl.RunAsync("pkey", "-in", key, "-pubout", "-outform", "DER", "-out", spki);
        Assert.Equal(KeyHash.Read(SHA256.HashData(File.ReadAllBytes(spki))), connection.Peer);
        await connection.WriteAsync(Pieces("welcome\n"));
        Assert.Equal("welcome", await client.StandardOutput.ReadLineAsync().WaitAsync(Patience.Soon));
        client.StandardInput.Close();
        await connection.DisposeAsync();
        await client.WaitForExitAsync().WaitAsync(Patience.Soon);
    }

    [Theory]
    [InlineData("-tls1_2 -alpn culvert/1")]
    [InlineData("-tls1_3 -alpn h2,http/1.1")]
    [InlineData("-tls1_3")]
    public async Task OpenSslInAnotherWayIsNoDevice(string how)
    {
        using Socket listener = Ports.Listen(IPAddress.Loopback);
        TlsServer server = Server();
        Task<TlsConnection> serve = Task.Run(async () => await server.AcceptAsync(new SocketConnection(await listener.AcceptAsync(), "far"), IPAddress.Loopback, default));
        (string certificate, string key) = WriteCertificate();
        Task<string> client = OpenSsl.RunAsync(["s_client", "-connect", $"127.0.0.1:{Ports.Of(listener)}", "-cert", certificate, "-key", key, .. how.Split(' ')]);
        await FailsAsync(FailureKind.Protocol, async () => await serve);
        await client;
        Assert.Equal(0, server.HandshakesUnderWay);
    }

    [Fact]
    public async Task OpenSslIsAGatewayWhoseKeyIsPinned()
    {
        (string certificate, string key) = WriteCertificate();
        int port = Ports.Unused();
        using Process server = OpenSsl.Start("s_server", "-accept", $"127.0.0.1:{port}", "-tls1_3", "-cert", certificate, "-key", key, "-alpn", "culvert/1", "-Verify", "1", "-quiet", "-naccept", "1");
        using X509Certificate2 shown = X509Certificate2.CreateFromPemFile(certificate, key);
        IConnection? tcp = null;
        await using DirectExit exit = new(ExitOptions.Default);
        Stopwatch patience = Stopwatch.StartNew();
        while (tcp is null)
        {
            try
            {
                tcp = await new TcpTransport(exit, new Destination(IPAddress.Loopback, port)).OpenAsync(default);
            }
            catch (CulvertException e) when (e.Kind == FailureKind.Refused && patience.Elapsed < Patience.Soon)
            {
                await Task.Yield(); // it has not begun to listen
            }
        }

        TlsConnection connection = await Client(pin: KeyHash.Of(shown)).OpenAsync(tcp);
        await connection.WriteAsync(Pieces("hello\n"));
        Assert.Equal("hello", await server.StandardOutput.ReadLineAsync().WaitAsync(Patience.Soon));
        await server.StandardInput.WriteAsync("welcome\n");
        await server.StandardInput.FlushAsync();
        Assert.Equal("welcome\n", await ReadAsync(connection, 8));
        await connection.DisposeAsync();
        server.Kill();
        await server.WaitForExitAsync().WaitAsync(Patience.Soon);
    }

    [Fact]
    public async Task StandardInputAndOutputAreATransportToo()
    {
        using Process child = Process.Start(new ProcessStartInfo("cat") { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        StreamConnection connection = StreamConnection.OfPair(child.StandardOutput.BaseStream, child.StandardInput.BaseStream, "The agent");
        await connection.WriteAsync(Pieces("through ", "the ", "cat"));
        await connection.FinishAsync();
        Assert.Equal("through the cat", await ReadAsync(connection, 15));
        Assert.Equal(0, await connection.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience.Soon));
        await child.WaitForExitAsync().WaitAsync(Patience.Soon);
        await connection.DisposeAsync();
        await FailsAsync(FailureKind.Reset, async () => await connection.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task AUnixSocketIsATransportToo()
    {
        string path = Path.Combine(_directory, "gateway.sock");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        await using DirectExit exit = new(ExitOptions.Default);
        await using IConnection connection = await new UnixTransport(exit, path).OpenAsync(default);
        using Socket accepted = await listener.AcceptAsync().WaitAsync(Patience.Soon);
        await connection.WriteAsync(Pieces("hello"));
        byte[] buffer = new byte[5];
        Assert.Equal(5, await accepted.ReceiveSoonAsync(buffer));
    }

    private static async Task<(TlsConnection Device, TlsConnection Gateway)> ShakeAsync(LoopbackPair pair, TlsServer server, Dialled client)
    {
        Task<TlsConnection> accept = server.AcceptAsync(new SocketConnection(pair.Far, "far"), IPAddress.Loopback, default).AsTask();
        TlsConnection device = await client.OpenAsync(new SocketConnection(pair.Near, "near"));
        return (device, await accept.WaitAsync(Patience.Soon));
    }

    private static async Task<CulvertException> FailsAsync(FailureKind kind, Func<Task> attempt)
    {
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(async () => await attempt().WaitAsync(Patience.Soon));
        Assert.True(kind == e.Kind, e.ToString());
        return e;
    }

    /// <summary>A gateway whose client has gone because of its key hears of it in the handshake, or at its first read: when a client looks at the key is the framework's affair.</summary>
    private static async Task LeftAsync(Task<TlsConnection> accept)
    {
        try
        {
            await using TlsConnection gateway = await accept.WaitAsync(Patience.Soon);
            Assert.Equal(0, await gateway.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience.Soon));
        }
        catch (CulvertException)
        {
            // In the handshake, or by a reset.
        }
    }

    private static async Task EndsAsync(Task task) => await Assert.ThrowsAsync<CulvertException>(async () => await task.WaitAsync(Patience.Soon));

    private static async Task DrainAsync(Socket socket)
    {
        try
        {
            while (await socket.ReceiveSoonAsync(new byte[1024]) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset is an end, too.
        }
    }

    private static async Task<string> ReadAsync(IConnection connection, int length)
    {
        byte[] buffer = new byte[length];
        for (int at = 0; at < length;)
        {
            int count = await connection.ReadAsync(buffer.AsMemory(at)).AsTask().WaitAsync(Patience.Soon);
            Assert.True(count > 0, "the stream ended early");
            at += count;
        }

        return Encoding.Latin1.GetString(buffer);
    }

    private static ReadOnlySequence<byte> Pieces(params string[] pieces)
    {
        Piece first = new(Encoding.Latin1.GetBytes(pieces[0]), 0);
        Piece last = pieces.Skip(1).Aggregate(first, static (piece, text) => piece.Follow(Encoding.Latin1.GetBytes(text)));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private TlsServer Server(HandshakeLimits? limits = null) =>
        new(new TlsServerOptions { Certificate = TlsServer.CertificateOf(_gateway), Limits = limits ?? HandshakeLimits.Default });

    private Dialled Client(KeyHash? pin = null) => new(new TlsClientOptions { Pin = pin ?? _gateway.Hash, Identity = _device });

    private (string Certificate, string Key) WriteCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=gateway.test", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string name = Path.Combine(_directory, Path.GetRandomFileName());
        File.WriteAllText(name + ".crt", certificate.ExportCertificatePem());
        File.WriteAllText(name + ".key", key.ExportPkcs8PrivateKeyPem());
        return (name + ".crt", name + ".key");
    }

    /// <summary>TLS over a connection that is open already.</summary>
    private sealed class Dialled(TlsClientOptions options)
    {
        public Task<TlsConnection> OpenAsync(IConnection connection) => new TlsTransport(new GivenTransport(connection), options).OpenAsync(default).AsTask().WaitAsync(Patience.Soon);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, long before) => (Memory, RunningIndex) = (bytes, before);

        public Piece Follow(byte[] bytes)
        {
            Piece next = new(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
