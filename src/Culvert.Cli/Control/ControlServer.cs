using System;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Tunnel;

namespace Culvert.Cli.Control;

/// <summary>
/// A running tunnel's side of its <see cref="ControlSocket"/>: one line in (<c>status</c>, <c>watch</c>, <c>down</c>), lines of JSON out; for <c>down</c> the
/// answer comes when everything has been given back. Only root and the tunnel's owner are answered.
/// </summary>
internal sealed class ControlServer : IAsyncDisposable
{
    /// <summary>Clients at a time; the next waits in the system's queue.</summary>
    public const int MaxClients = 16;

    private static readonly TimeSpan LineLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly uint _owner;
    private readonly RateMeter _meter = new(TimeProvider.System);
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _room = new(MaxClients);
    private readonly TaskCompletionSource _downAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MachineTunnel? _tunnel;
    private Task _serving = Task.CompletedTask;

    private ControlServer(Socket socket, uint owner)
    {
        _socket = socket;
        _owner = owner;
    }

    /// <summary>Completes when somebody asked the tunnel to end.</summary>
    public Task DownAsked => _downAsked.Task;

    /// <summary>Takes the link's name; <paramref name="owner"/> may speak to us besides root.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: a tunnel of that name is up already.</exception>
    public static ControlServer Claim(string link, uint owner)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(ControlSocket.For(link));
            socket.Listen(MaxClients);
            return new ControlServer(socket, owner);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new CulvertException(
                FailureKind.Configuration, $"A tunnel is already up on {link}: see 'culvert status', end it with 'culvert down', or give this one another --name.", e);
        }
    }

    /// <summary>Answers from now on.</summary>
    public void Serve(MachineTunnel tunnel)
    {
        _tunnel = tunnel;
        _serving = AcceptAsync();
    }

    /// <summary>The status as one line of JSON.</summary>
    public string Report()
    {
        TunnelStatus status = _tunnel!.Status;
        return StatusText.ToJson(status, _meter.Read(status.Uploaded, status.Downloaded));
    }

    /// <summary>Answers whoever asked for the end: an empty <paramref name="trouble"/> when all has been given back.</summary>
    public void TellEnd(string trouble) => _ended.TrySetResult(trouble);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _ended.TrySetResult("The tunnel ended.");
        await _ending.CancelAsync();
        await _serving;

        // Those that are being told of the end.
        for (int i = 0; i < MaxClients; i++)
        {
            await _room.WaitAsync(LineLimit);
        }

        _socket.Dispose();
        _ending.Dispose();
        _room.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _room.WaitAsync(_ending.Token);
                Socket client = await _socket.AcceptAsync(_ending.Token);
                _ = AnswerAsync(client);
            }
        }
        catch (OperationCanceledException)
        {
            _room.Release(); // of the client that did not come
        }
    }

    private async Task AnswerAsync(Socket client)
    {
        try
        {
            using NetworkStream stream = new(client, ownsSocket: true);
            uint user = ControlSocket.PeerOf(client);
            if (user != 0 && user != _owner)
            {
                return;
            }

            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
            limit.CancelAfter(LineLimit);
            byte[] buffer = new byte[64];
            int length = await stream.ReadAsync(buffer, limit.Token);
            switch (Encoding.ASCII.GetString(buffer, 0, length).Trim())
            {
                case "status":
                    await WriteAsync(stream, Report());
                    break;
                case "watch":
                    using (PeriodicTimer timer = new(WatchInterval))
                    {
                        do
                        {
                            await WriteAsync(stream, Report());
                        }
                        while (await timer.WaitForNextTickAsync(_ending.Token));
                    }

                    break;
                case "down":
                    _downAsked.TrySetResult();
                    await WriteAsync(stream, await _ended.Task);
                    break;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or CulvertException)
        {
            // A client that went away, or took too long; or the end.
        }
        finally
        {
            _room.Release();
        }
    }

    private static async Task WriteAsync(NetworkStream stream, string line)
    {
        using CancellationTokenSource limit = new(LineLimit);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), limit.Token);
    }
}
