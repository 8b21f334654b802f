using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Entries;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Tests.Unit.Exits;
using Culvert.Tests.Unit.Flows;
using Xunit;

namespace Culvert.Tests.Unit.Entries;

public sealed class ForwardTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("culvert-forward-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("5432:db.internal:5433", "127.0.0.1:5432 to db.internal:5433")]
    [InlineData("localhost:1:h:2", "127.0.0.1:1 to h:2")]
    [InlineData("192.0.2.1:1:[2001:db8::1]:2", "192.0.2.1:1 to [2001:db8::1]:2")]
    [InlineData("[::1]:0:h:2", "[::1]:0 to h:2")]
    [InlineData("8080:/run/x.sock", "127.0.0.1:8080 to /run/x.sock")]
    [InlineData("127.0.0.1:8080:/run/x.sock", "127.0.0.1:8080 to /run/x.sock")]
    [InlineData("/tmp/a.sock:h:80", "/tmp/a.sock to h:80")]
    [InlineData("/tmp/a.sock:/tmp/b.sock", "/tmp/a.sock to /tmp/b.sock")]
    public void TheFormsOfAForwardAreUnderstood(string text, string expected) => Assert.Equal(expected, ForwardSpec.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("80")]
    [InlineData("80:h")]
    [InlineData("h:80")]
    [InlineData("a:b:c")]
    [InlineData("1:h:0")]
    [InlineData("1:h:65536")]
    [InlineData("65536:h:1")]
    [InlineData("1::2")]
    [InlineData("name:1:h:2")]
    [InlineData("[::1:1:h:2")]
    [InlineData("1:2:3:4:5")]
    [InlineData("/a:b:/c")]
    [InlineData("/a:1:h:2")]
    public void AWrongForwardIsAUsageError(string text) =>
        Assert.Equal(FailureKind.Usage, Assert.Throws<CulvertException>(() => ForwardSpec.Parse(text)).Kind);

    [Fact]
    public void AStarListensOnAllAddresses() =>
        Assert.Contains(ForwardSpec.Parse("*:1:h:2").Listen!.Address, (IPAddress[])[IPAddress.IPv6Any, IPAddress.Any]);

    [Fact]
    public async Task PortsAndUnixSocketsLeadToPortsAndUnixSockets()
    {
        await using EchoServer echo = new();
        await using IExit exit = ExitFactory.Create(ExitUri.Direct);
        string first = Path.Combine(_folder, "first.sock");
        await using (ForwardEntry entry = await ForwardEntry.StartAsync(
            exit,
            [
                ForwardSpec.Parse($"{first}:127.0.0.1:{echo.Port}"),
                ForwardSpec.Parse($"0:{first}"),
                ForwardSpec.Parse($"0:localhost:{echo.Port}"),
            ]))
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(first));
            }

            foreach (EndPoint endpoint in entry.Listening)
            {
                using Socket client = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
                await client.ConnectAsync(endpoint);
                await client.SendAsync("hello"u8.ToArray());
                client.Shutdown(SocketShutdown.Send);
                byte[] buffer = new byte[10];
                Assert.Equal(5, await client.ReceiveSoonAsync(buffer));
                Assert.Equal(0, await client.ReceiveSoonAsync(buffer));
            }
        }

        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public async Task ARefusedDestinationResetsTheClient()
    {
        await using IExit exit = ExitFactory.Create(ExitUri.Direct);
        await using ForwardEntry entry = await ForwardEntry.StartAsync(exit, [ForwardSpec.Parse($"0:127.0.0.1:{Ports.Unused()}")]);
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        SocketException reset = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            // A quick machine resets before the client has seen that it is connected.
            await client.ConnectAsync(entry.Listening[0]);
            await client.ReceiveSoonAsync(new byte[1]);
        });
        Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
    }

    [Fact]
    public async Task ADeadSocketIsReplacedALivingOneAndAFileAreNot()
    {
        await using IExit exit = ExitFactory.Create(ExitUri.Direct);
        string dead = Path.Combine(_folder, "dead.sock");
        using (Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(_folder, "bound.sock")));
            File.Move(Path.Combine(_folder, "bound.sock"), dead); // or the framework would remove it
        }

        await using ForwardEntry entry = await ForwardEntry.StartAsync(exit, [ForwardSpec.Parse($"{dead}:h:1")]);
        CulvertException living = await Assert.ThrowsAsync<CulvertException>(() => ForwardEntry.StartAsync(exit, [ForwardSpec.Parse($"{dead}:h:1")]));
        Assert.Equal(FailureKind.Configuration, living.Kind);
        Assert.True(File.Exists(dead));

        string file = Path.Combine(_folder, "file");
        await File.WriteAllTextAsync(file, "precious");
        CulvertException plain = await Assert.ThrowsAsync<CulvertException>(() => ForwardEntry.StartAsync(exit, [ForwardSpec.Parse($"{file}:h:1")]));
        Assert.Equal(FailureKind.Configuration, plain.Kind);
        Assert.Equal("precious", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task AnExitWithoutUnixSocketsIsToldAtTheStart()
    {
        await using IExit exit = ExitFactory.Create(ExitUri.Parse("socks5://127.0.0.1:1"));
        CulvertException e = await Assert.ThrowsAsync<CulvertException>(() => ForwardEntry.StartAsync(exit, [ForwardSpec.Parse("0:/x.sock")]));
        Assert.Equal(FailureKind.NotCarried, e.Kind);
    }
}
