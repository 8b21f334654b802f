using System;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Flows;
using Xunit;

namespace Culvert.Tests.Unit.Flows;

public sealed class RelayTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task BytesGoBothWaysUntilBothHaveFinished()
    {
        await using Relayed relayed = await Relayed.StartAsync();
        await relayed.Client.SendAsync("hello"u8.ToArray());
        Assert.Equal("hello", await ReadAsync(relayed.Server, 5));
        await relayed.Server.SendAsync("welcome"u8.ToArray());
        Assert.Equal("welcome", await ReadAsync(relayed.Client, 7));
        relayed.Client.Shutdown(SocketShutdown.Send);
        relayed.Server.Shutdown(SocketShutdown.Send);
        Assert.Equal(CloseReason.Finished, await relayed.End);
        Assert.Equal(0, await relayed.Client.ReceiveSoonAsync(new byte[1]));
        Assert.Equal(0, await relayed.Server.ReceiveSoonAsync(new byte[1]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HalfCloseIsCarriedAndTheOtherWayGoesOn(bool clientFirst)
    {
        await using Relayed relayed = await Relayed.StartAsync();
        (Socket first, Socket second) = clientFirst ? (relayed.Client, relayed.Server) : (relayed.Server, relayed.Client);
        await first.SendAsync("question"u8.ToArray());
        first.Shutdown(SocketShutdown.Send);
        Assert.Equal("question", await ReadAsync(second, 8));
        Assert.Equal(0, await second.ReceiveSoonAsync(new byte[1]));
        for (int i = 0; i < 3; i++)
        {
            await second.SendAsync("answer"u8.ToArray());
            Assert.Equal("answer", await ReadAsync(first, 6));
        }

        Assert.False(relayed.End.IsCompleted);
        second.Shutdown(SocketShutdown.Send);
        Assert.Equal(CloseReason.Finished, await relayed.End);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AResetOnOneSideResetsTheOther(bool client)
    {
        await using Relayed relayed = await Relayed.StartAsync();
        (Socket broken, Socket other) = client ? (relayed.Client, relayed.Server) : (relayed.Server, relayed.Client);
        broken.LingerState = new LingerOption(true, 0);
        broken.Dispose();
        SocketException e = await Assert.ThrowsAsync<SocketException>(async () => await other.ReceiveSoonAsync(new byte[1]));
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        Assert.Equal(CloseReason.Reset, await relayed.End);
    }

    [Fact]
    public async Task ASlowReaderStopsTheSender()
    {
        await using Relayed relayed = await Relayed.StartAsync(bufferSize: 16 * 1024);
        byte[] block = new byte[64 * 1024];
        long sent = 0;
        relayed.Client.Blocking = false;
        relayed.Client.SendTimeout = 1;
        // Full when nothing more is taken for a while; the while is the measure here, not a synchronisation.
        for (long last = Environment.TickCount64; Environment.TickCount64 - last < 300;)
        {
            int count = relayed.Client.Send(block, SocketFlags.None, out SocketError error);
            if (error == SocketError.Success)
            {
                sent += count;
                last = Environment.TickCount64;
            }
            else
            {
                Assert.Equal(SocketError.WouldBlock, error);
                await Task.Yield();
            }

            Assert.InRange(sent, 0, 8 << 20);
        }

        byte[] sink = new byte[1 << 20];
        for (long got = 0; got < sent;)
        {
            got += await relayed.Server.ReceiveSoonAsync(sink);
        }
    }

    [Fact]
    public async Task SilenceEndsTheRelay()
    {
        await using Relayed relayed = await Relayed.StartAsync(new RelayOptions { IdleTimeout = TimeSpan.FromMilliseconds(50) });
        Assert.Equal(CloseReason.Idle, await relayed.End);
        await Assert.ThrowsAsync<SocketException>(async () => await relayed.Client.ReceiveSoonAsync(new byte[1]));
    }

    [Fact]
    public async Task SilenceEndsAHalfClosedRelaySooner()
    {
        await using Relayed relayed = await Relayed.StartAsync(new RelayOptions { HalfClosedTimeout = TimeSpan.FromMilliseconds(50) });
        relayed.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(CloseReason.Idle, await relayed.End);
    }

    [Fact]
    public async Task CancellingResetsBothSides()
    {
        using CancellationTokenSource stop = new();
        await using Relayed relayed = await Relayed.StartAsync(cancellation: stop.Token);
        await stop.CancelAsync();
        Assert.Equal(CloseReason.Cancelled, await relayed.End);
        await Assert.ThrowsAsync<SocketException>(async () => await relayed.Client.ReceiveSoonAsync(new byte[1]));
        await Assert.ThrowsAsync<SocketException>(async () => await relayed.Server.ReceiveSoonAsync(new byte[1]));
    }

    [Fact]
    public async Task LargeTransfersArriveWholeBothWays()
    {
        await using Relayed relayed = await Relayed.StartAsync();
        byte[] up = new byte[5_000_000];
        byte[] down = new byte[7_000_000];
        new Random(1).NextBytes(up);
        new Random(2).NextBytes(down);
        Task<byte[]> atServer = ExchangeAsync(relayed.Server, down, up.Length);
        Task<byte[]> atClient = ExchangeAsync(relayed.Client, up, down.Length);
        Assert.Equal(up, await atServer);
        Assert.Equal(down, await atClient);
        Assert.Equal(CloseReason.Finished, await relayed.End);
    }

    private static async Task<byte[]> ExchangeAsync(Socket socket, byte[] send, int expect)
    {
        Task sending = Task.Run(async () =>
        {
            for (int at = 0; at < send.Length;)
            {
                at += await socket.SendAsync(send.AsMemory(at));
            }

            socket.Shutdown(SocketShutdown.Send);
        });
        byte[] received = new byte[expect];
        int count = 0;
        for (int n; count < expect && (n = await socket.ReceiveSoonAsync(received.AsMemory(count))) > 0;)
        {
            count += n;
        }

        Assert.Equal(0, await socket.ReceiveSoonAsync(new byte[1]));
        await sending;
        return received;
    }

    private static async Task<string> ReadAsync(Socket socket, int count)
    {
        byte[] buffer = new byte[count];
        for (int at = 0; at < count;)
        {
            int n = await socket.ReceiveAsync(buffer.AsMemory(at)).AsTask().WaitAsync(Soon);
            Assert.NotEqual(0, n);
            at += n;
        }

        return Encoding.ASCII.GetString(buffer);
    }

    /// <summary>Client and server sockets with a relay between them.</summary>
    private sealed class Relayed : IAsyncDisposable
    {
        private readonly LoopbackPair _left;
        private readonly LoopbackPair _right;
        private readonly Task<CloseReason> _end;

        private Relayed(LoopbackPair left, LoopbackPair right, RelayOptions options, CancellationToken cancellation)
        {
            _left = left;
            _right = right;
            _end = Relay.RunAsync(new SocketConnection(left.Far, "a"), new SocketConnection(right.Near, "b"), options, cancellation);
        }

        public Socket Client => _left.Near;

        public Socket Server => _right.Far;

        public Task<CloseReason> End => _end.IsCompleted ? _end : _end.WaitAsync(Soon);

        public static async Task<Relayed> StartAsync(RelayOptions? options = null, int? bufferSize = null, CancellationToken cancellation = default) => new(
            await LoopbackPair.ConnectAsync(bufferSize), await LoopbackPair.ConnectAsync(bufferSize), options ?? RelayOptions.Default, cancellation);

        public async ValueTask DisposeAsync()
        {
            _left.Dispose();
            _right.Dispose();
            await _end.WaitAsync(Soon);
        }
    }
}
