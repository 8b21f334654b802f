using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Session;
using Culvert.Flows;
using Culvert.Sessions;
using Culvert.Transports;

namespace Culvert.Exits;

/// <summary>
/// A gateway of one's own, by VSHP over one of several transports. The first use opens a session. When its transport dies, it is attached to the next that can be had, and flows
/// wait meanwhile; when the session is lost for good, they are reset at once, and the next use opens another.
/// </summary>
internal sealed class GatewayExit : IExit
{
    private readonly IReadOnlyList<ITransport> _ladder;
    private readonly GatewayExitOptions _options;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<Task> _runs = [];
    private SessionDriver? _driver;
    private int _best;

    /// <summary>An exit that has sent nothing yet.</summary>
    /// <param name="ladder">The ways to one gateway, the best first; they are raced, and the one that won is tried first the next time.</param>
    /// <param name="options">How the session is kept.</param>
    public GatewayExit(IReadOnlyList<ITransport> ladder, GatewayExitOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ladder.Count, nameof(ladder));
        _ladder = ladder;
        _options = options;
    }

    /// <inheritdoc/>
    public string Description => _options.Name ?? _ladder[0].Description;

    /// <summary>What the gateway has said; all that a gateway may carry as long as it has said nothing.</summary>
    public ExitCapabilities Capabilities
    {
        get
        {
            VshpCapabilities known = _driver is { IsReady: true } driver ? driver.Capabilities : VshpCapabilities.Datagrams | VshpCapabilities.Echo | VshpCapabilities.Resolve;
            return ((known & VshpCapabilities.Datagrams) != 0 ? ExitCapabilities.Datagrams : 0)
                | ((known & VshpCapabilities.Echo) != 0 ? ExitCapabilities.Echo : 0)
                | ((known & VshpCapabilities.Resolve) != 0 ? ExitCapabilities.Resolve : 0)
                | ((known & VshpCapabilities.UnixSockets) != 0 ? ExitCapabilities.UnixSockets : 0);
        }
    }

    /// <summary>The session as it is now, for tests.</summary>
    internal SessionDriver? Session => _driver;

    /// <summary>Has a session, and a sign of life of the gateway in it.</summary>
    public async ValueTask ProbeAsync(CancellationToken cancellation) => await Deadline.RunAsync(
        _options.HandshakeTimeout,
        $"Reaching {Description}",
        async token =>
        {
            SessionDriver driver = await ReadyAsync(token);
            await driver.ProbeAsync(token);
            return true;
        },
        cancellation,
        FailureKind.ExitUnreachable);

    /// <summary>As long as a transport carries the session nothing is sent: it has its own heartbeat. Without one, waits for the next.</summary>
    public async ValueTask<TimeSpan?> CheckAsync(CancellationToken cancellation)
    {
        SessionDriver? driver = _driver;
        if (driver is not { IsCarried: true, IsOpen: true })
        {
            await ProbeAsync(cancellation);
            driver = _driver;
        }

        return driver?.RoundTrip;
    }

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation) => OpenAsync(destination.ToWire(), $"The connection to {destination}", cancellation);

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectUnixAsync(string path, CancellationToken cancellation) => OpenAsync(SessionDestinations.ToWire(path), $"The connection to {path}", cancellation);

    /// <inheritdoc/>
    public ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation) => Deadline.RunAsync(
        _options.ConnectTimeout, "The UDP association", async token => await (await ReadyAsync(token)).AssociateAsync(token), cancellation);

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation) => Deadline.RunAsync(
        _options.EchoTimeout, $"The ping of {destination}", async token => await (await ReadyAsync(token)).EchoAsync(destination.ToWire(), payload, token), cancellation);

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) => Deadline.RunAsync(
        _options.ConnectTimeout, "The question to the gateway", async token => await (await ReadyAsync(token)).AskAsync(query, token), cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Task[] runs;
        lock (_lock)
        {
            runs = [.. _runs];
        }

        await _stop.CancelAsync(); // ends the session, and those of gateways that were going away
        await Task.WhenAll(runs);
    }

    private ValueTask<IConnection> OpenAsync(VshpDestination destination, string what, CancellationToken cancellation) => Deadline.RunAsync(
        _options.ConnectTimeout, what, async token => await (await ReadyAsync(token)).OpenAsync(destination, what, token), cancellation);

    /// <summary>A session in which flows can be opened. Those who ask while one is being opened wait for the same.</summary>
    private async ValueTask<SessionDriver> ReadyAsync(CancellationToken cancellation)
    {
        SessionDriver driver;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            if (_driver is not { IsOpen: true })
            {
                _driver = SessionDriver.Connect(_options.Session, _options.Clock);
                Task run = KeepAsync(_driver);
                _runs.Add(run);
                _ = run.ContinueWith(Forget, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            }

            driver = _driver;
        }

        await driver.Ready.WaitAsync(cancellation);
        return driver;
    }

    private void Forget(Task run)
    {
        lock (_lock)
        {
            _runs.Remove(run);
        }
    }

    /// <summary>Gives a session one transport after the other, until it is over.</summary>
    private async Task KeepAsync(SessionDriver driver)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // not under the caller's lock
        TimeSpan pause = _options.FirstPause;
        using CancellationTokenRegistration stop = _stop.Token.UnsafeRegister(static d => ((SessionDriver)d!).End(VshpReason.None, ""), driver);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _ = driver.Over.ContinueWith(_ => Cancel(over), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        try
        {
            while (!driver.Over.IsCompleted)
            {
                try
                {
                    await driver.CarryAsync(await DialAsync(over.Token).ConfigureAwait(false)).ConfigureAwait(false);
                    if (driver.HeardSinceAttach)
                    {
                        pause = _options.FirstPause;
                        continue;
                    }

                    if (!driver.IsReady)
                    {
                        driver.Fail(new CulvertException(FailureKind.ExitUnreachable, $"{Description} closed the connection, or stayed silent, before it had greeted."));
                    }
                }
                catch (CulvertException e) when (!driver.IsReady)
                {
                    driver.Fail(e); // whoever waits need not wait for more than one round
                }
                catch (CulvertException)
                {
                    // The session lives for a while without a transport: the next round may find one.
                }

                await Task.Delay(pause, _options.Clock, over.Token).ConfigureAwait(false);
                pause = pause * 2 < _options.LongestPause ? pause * 2 : _options.LongestPause;
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The session is over, or the exit is.
        }
        finally
        {
            await driver.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static void Cancel(CancellationTokenSource over)
    {
        try
        {
            over.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Nobody was waiting any more.
        }
    }

    private async ValueTask<IConnection> DialAsync(CancellationToken cancellation)
    {
        int first = Volatile.Read(ref _best);
        try
        {
            return await HappyEyeballs.RaceAsync(
                _ladder.Count,
                async (i, token) =>
                {
                    int step = (first + i) % _ladder.Count;
                    ITransport way = _ladder[step];
                    IConnection connection = await Deadline.RunAsync(_options.HandshakeTimeout, $"Reaching {way.Description}", way.OpenAsync, token).ConfigureAwait(false);
                    Volatile.Write(ref _best, step);
                    return connection;
                },
                $"Reaching {Description}",
                cancellation).ConfigureAwait(false);
        }
        catch (CulvertException e) when (e.Kind is not (FailureKind.Untrusted or FailureKind.Authentication or FailureKind.Protocol or FailureKind.Configuration))
        {
            throw new CulvertException(FailureKind.ExitUnreachable, $"{Description} cannot be reached: {e.Message}", e);
        }
    }
}
