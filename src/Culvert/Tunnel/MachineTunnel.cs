using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Entries.Tun;
using Culvert.Exits;
using Culvert.Flows;
using Culvert.Names;
using Culvert.Platform;
using Culvert.Platform.Channel;
using Culvert.Platform.Linux;
using Culvert.Platform.Network;

namespace Culvert.Tunnel;

/// <summary>
/// The machine's traffic through an exit, supervised: link and helper, entry, names and exit, held together. While the exit is away the tunnel stays, and what
/// comes waits or is refused. <see cref="DisposeAsync"/> gives the network back.
/// </summary>
public sealed class MachineTunnel : IAsyncDisposable
{
    private readonly TunnelSettings _settings;
    private readonly Action<string> _tell;
    private readonly Underlay _underlay;
    private readonly IExit? _via;
    private readonly IExit _exit;
    private readonly ExitGate _gate;
    private readonly Supervisor _supervisor;
    private readonly SemaphoreSlim _setting = new(1);
    private readonly DateTimeOffset _started = DateTimeOffset.UtcNow;
    private readonly ExcludedNames? _excluded;
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TunnelHelper? _helper;
    private NameService? _names;
    private TunEntry? _entry;
    private NetworkMonitor? _monitor;
    private Task _supervision = Task.CompletedTask;
    private TunnelState? _state;
    private DateTimeOffset? _captiveUntil;
    private DateTimeOffset _since = DateTimeOffset.UtcNow;
    private int _reconnects;
    private bool _wasAway;
    private Type? _word;
    private int _entryEnded;
    private int _disposed;

    private MachineTunnel(TunnelSettings settings, Action<string> tell)
    {
        _settings = settings;
        _tell = tell;
        _underlay = new Underlay(settings);
        ExitOptions options = ExitOptions.Default with
        {
            Lookup = _underlay.LookupAsync,
            Answer = _underlay.Resolver.ResolveAsync,
            Outgoing = _underlay.IsDirect ? _underlay.Outgoing : null,
            Identity = settings.Identity,
        };
        _via = settings.Via is null ? null : ExitFactory.Create(settings.Via, options with { MaxSpares = 0 }); // the connections through it are spare
        _exit = ExitFactory.Create(settings.Exit, options with { Via = _via });
        _supervisor = new Supervisor(new Patience(settings.Supervision, SystemRandom.Next()), ProbeAsync, Follow);
        _gate = new ExitGate(_exit, settings.FlowPatience, kind => _supervisor.Tell(new News(kind)));
        _excluded = settings.ExcludeDomains.Count == 0 ? null
            : new ExcludedNames(settings.ExcludeDomains, _underlay.Resolver.ResolveAsync, token => ApplyAsync(token));
    }

    /// <summary>Ends when the tunnel is over: after <see cref="DisposeAsync"/>, or faulted when the link is gone, or the helper has given the network back.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Told whenever <see cref="Status"/> is another state, on whatever thread.</summary>
    public event Action? Changed;

    /// <summary>How the tunnel is now.</summary>
    public TunnelStatus Status
    {
        get
        {
            Phase phase = _supervisor.Phase;
            LinkCounters.TryRead(_settings.Link, out LinkCounters counters);
            return new TunnelStatus(
                phase.GetType().Name.ToLowerInvariant(),
                phase is Waiting waiting ? waiting.Why : "",
                _exit.Description,
                _settings.Link,
                _names?.Description ?? "",
                _started,
                _since,
                phase is Connected connected && !_underlay.IsDirect ? connected.RoundTrip : null,
                counters.Sent,
                counters.Received,
                _entry?.ActiveFlows ?? 0,
                _reconnects,
                _helper is { Gone.IsCompleted: false },
                _settings.KillSwitch);
        }
    }

    /// <summary>
    /// Brings a tunnel up: asks the exit first, and changes nothing when it does not answer. Returns with the traffic going through. <paramref name="tell"/> gets
    /// sentences for the person, later ones too.
    /// </summary>
    /// <exception cref="CulvertException">Why it could not be brought up; everything is as it was.</exception>
    public static async Task<MachineTunnel> StartAsync(TunnelSettings settings, TunnelHelperOptions helper, Action<string> tell, CancellationToken cancellation)
    {
        MachineTunnel tunnel = new(settings, tell);
        try
        {
            await tunnel.BringUpAsync(helper, cancellation).ConfigureAwait(false);
            return tunnel;
        }
        catch
        {
            await tunnel.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends all flows, then gives the network back. Says what could not be given back.</summary>
    /// <exception cref="CulvertException">CleanUpIncomplete.</exception>
    public async Task StopAsync()
    {
        if (await Hook.RunAsync("pre-down", _settings.PreDown, _settings.HookLimit, _settings.Link, _exit.Description).ConfigureAwait(false) is { } trouble)
        {
            _tell(trouble);
        }

        _monitor?.Dispose();
        await _ending.CancelAsync().ConfigureAwait(false);

        // Flows are reset while the guard still stands, and the link is served until nothing is led into it any more: what a program goes on sending from the
        // link's address would else leave by the way that is just opening.
        await (_entry?.RefuseAsync() ?? Task.CompletedTask).ConfigureAwait(false);
        await _setting.WaitAsync().ConfigureAwait(false);
        IReadOnlyList<string> left;
        try
        {
            left = _helper is null ? [] : await _helper.GiveBackAsync().ConfigureAwait(false);
        }
        finally
        {
            _setting.Release();
        }

        if (left.Count > 0)
        {
            throw new CulvertException(FailureKind.CleanUpIncomplete, string.Join(" ", left) + " Run `culvert cleanup`.");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _monitor?.Dispose();
        await _ending.CancelAsync().ConfigureAwait(false);
        _supervisor.Tell(new News(NewsKind.Stop));
        await _supervision.ConfigureAwait(false);
        _supervisor.Dispose();
        await EndEntryAsync().ConfigureAwait(false);
        if (_helper is not null)
        {
            await _helper.DisposeAsync().ConfigureAwait(false);
        }

        if (_names is not null)
        {
            await _names.DisposeAsync().ConfigureAwait(false);
        }

        await _exit.DisposeAsync().ConfigureAwait(false);
        if (_via is not null)
        {
            await _via.DisposeAsync().ConfigureAwait(false);
        }

        _ending.Dispose();
        _setting.Dispose();
    }

    private async Task EndEntryAsync()
    {
        if (_entry is not null && Interlocked.Exchange(ref _entryEnded, 1) == 0)
        {
            await _entry.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task BringUpAsync(TunnelHelperOptions options, CancellationToken cancellation)
    {
        // The helper makes the link while the exit is asked: both take their time, and neither changes where anything goes.
        Task<TunnelHelper> opening = Task.Run(() => TunnelHelper.OpenAsync(options with { Link = _settings.Link, Mtu = _settings.Mtu }, cancellation), cancellation);
        long start = Stopwatch.GetTimestamp();
        TimeSpan roundTrip;
        try
        {
            _underlay.Require();
            await _underlay.FindExitAsync(isUp: false, cancellation).ConfigureAwait(false);
            start = Stopwatch.GetTimestamp();
            await _exit.ProbeAsync(cancellation).ConfigureAwait(false);
            roundTrip = Stopwatch.GetElapsedTime(start);
        }
        catch
        {
            await DiscardAsync(opening).ConfigureAwait(false);
            throw;
        }

        _helper = await opening.ConfigureAwait(false);
        foreach (string note in _helper.Notes)
        {
            _tell(note);
        }

        _names = new NameService(_settings.Names, _gate, new NameServiceOptions { Excluded = _excluded }, _tell);
        if (_names.IsVirtual && (_settings.User ?? _settings.Group) is not null && Underlay.SharesResolver)
        {
            throw new CulvertException(
                FailureKind.Configuration,
                "Names would get fake addresses, for everybody: a resolver on this machine answers all users alike, and only some shall have the tunnel. Use --dns with the address or https:// URL of a DNS server.");
        }

        _entry = new TunEntry(_helper.Link, _gate, _names, warn: _tell);
        _entry.Start();
        Completion = Task.WhenAny(_entry.Completion, _lost.Task).Unwrap();
        _gate.Open();
        if (_settings.Captive > TimeSpan.Zero)
        {
            _captiveUntil = DateTimeOffset.UtcNow + _settings.Captive;
        }

        await ApplyAsync(cancellation).ConfigureAwait(false);
        _monitor = new NetworkMonitor(NetworkChanged);
        _supervision = _supervisor.RunAsync(roundTrip);
        _ = WatchHelperAsync(_helper);
        if (await Hook.RunAsync("post-up", _settings.PostUp, _settings.HookLimit, _settings.Link, _exit.Description).ConfigureAwait(false) is { } trouble)
        {
            _tell(trouble);
        }
    }

    private static async Task DiscardAsync(Task<TunnelHelper> opening)
    {
        try
        {
            await (await opening.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is CulvertException or OperationCanceledException)
        {
            // Why the exit did not answer is told; one reason is enough.
        }
    }

    private async Task<TimeSpan?> ProbeAsync(Occasion occasion, CancellationToken cancellation)
    {
        _underlay.Require();
        if (occasion == Occasion.Away)
        {
            await _underlay.FindExitAsync(isUp: true, cancellation).ConfigureAwait(false);
        }

        await ApplyAsync(cancellation).ConfigureAwait(false);
        if (occasion == Occasion.Routine)
        {
            return await _exit.CheckAsync(cancellation).ConfigureAwait(false);
        }

        await _exit.ProbeAsync(cancellation).ConfigureAwait(false);
        return null;
    }

    /// <summary>Tells the helper how the network should be, when that is something else than before.</summary>
    private async Task ApplyAsync(CancellationToken cancellation)
    {
        await _setting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            cancellation.ThrowIfCancellationRequested();
            _ending.Token.ThrowIfCancellationRequested();
            TunnelState wanted = _underlay.State(_excluded?.Addresses ?? [], _captiveUntil);
            if (_state is { } state && (IsSame(state, wanted) || _helper!.Gone.IsCompleted))
            {
                return; // what a helper that was killed has left stands, and is not less than what it was told
            }

            // Not given up half-way: an answer that nobody waits for would be taken for the next one's.
            foreach (string note in await _helper!.SetAsync(wanted, CancellationToken.None).ConfigureAwait(false))
            {
                _tell(note);
            }

            _state = wanted;
        }
        finally
        {
            _setting.Release();
        }
    }

    // All else is the settings', and does not change.
    private static bool IsSame(TunnelState one, TunnelState other) =>
        one.Outside.SequenceEqual(other.Outside) && one.EngineOutside.SequenceEqual(other.EngineOutside) && one.CaptiveUntil == other.CaptiveUntil;

    private void NetworkChanged()
    {
        if (_underlay.Follow() && _settings.ExcludeDomains.Count > 0)
        {
            _ = ReapplyAsync();
        }

        _supervisor.Tell(new News(NewsKind.NetworkChanged));
    }

    private async Task ReapplyAsync()
    {
        try
        {
            await ApplyAsync(_ending.Token).ConfigureAwait(false);
        }
        catch (CulvertException e)
        {
            _tell(e.Message);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private void Follow(Phase phase)
    {
        if (phase.IsOpen)
        {
            _gate.Open();
            if (_wasAway)
            {
                _reconnects++;
                _tell($"The exit {_exit.Description} is back.");
            }

            _wasAway = false;
        }
        else
        {
            _gate.Close(phase is Waiting { Why: { Length: > 0 } why } ? why : "it does not answer");
            if (phase is Waiting waiting && !_wasAway)
            {
                _wasAway = true;
                _tell($"{waiting.Why}. While the exit is away nothing goes around it: what comes waits a moment, then is refused.");
            }
        }

        if (_word != phase.GetType())
        {
            _word = phase.GetType();
            _since = DateTimeOffset.UtcNow;
            Changed?.Invoke();
        }
    }

    private async Task WatchHelperAsync(TunnelHelper helper)
    {
        await helper.Gone.ConfigureAwait(false);
        if (!_ending.IsCancellationRequested)
        {
            if (helper.GaveBack)
            {
                _lost.TrySetException(new CulvertException(FailureKind.ChangeFailed, "The helper was told to end and has given the network back, so the tunnel is over."));
                return;
            }

            // Ending here would open the way around: the link, its routes and the guard are ours as well, and carry on.
            _tell("The helper was killed. The tunnel carries on, and still nothing goes around it, but it cannot follow the network any more: `culvert down`, `culvert cleanup` and `culvert up` make it whole again.");
            Changed?.Invoke();
        }
    }
}
