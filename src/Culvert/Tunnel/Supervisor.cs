using System;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Tunnel;

/// <summary>The shell around <see cref="Phase"/>: brings it news and the time, and does what it wishes. Decides nothing.</summary>
internal sealed class Supervisor : IDisposable
{
    // Kinds of news that come once a flow; one of each waits at a time.
    private const int FlowKinds = (1 << (int)NewsKind.Wanted) | (1 << (int)NewsKind.Carried) | (1 << (int)NewsKind.NetworkChanged);

    private readonly Channel<News> _news = Channel.CreateUnbounded<News>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Func<Occasion, CancellationToken, Task<TimeSpan?>> _probe;
    private readonly Action<Phase> _changed;
    private readonly TimeProvider _time;
    private readonly long _origin;
    private int _pending;
    private CancellationTokenSource? _probing;
    private int _probed;

    /// <summary>A supervisor at its first attempt, which begins with <see cref="RunAsync"/>.</summary>
    /// <param name="rules">How patient to be.</param>
    /// <param name="probe">Asks the exit; gives the round trip where it knows better than how long the asking took. Fails with <see cref="CulvertException"/>.</param>
    /// <param name="changed">Told every new state, one at a time.</param>
    /// <param name="time">The clock.</param>
    public Supervisor(Patience rules, Func<Occasion, CancellationToken, Task<TimeSpan?>> probe, Action<Phase> changed, TimeProvider? time = null)
    {
        _probe = probe;
        _changed = changed;
        _time = time ?? TimeProvider.System;
        _origin = _time.GetTimestamp();
        Phase = Phase.Begin(rules, TimeSpan.Zero);
    }

    /// <summary>The state now; from any thread.</summary>
    public Phase Phase { get; private set; }

    private TimeSpan Now => _time.GetElapsedTime(_origin);

    /// <summary>Brings news, from any thread.</summary>
    public void Tell(in News news)
    {
        int bit = 1 << (int)news.Kind;
        if ((bit & FlowKinds) == 0 || (Interlocked.Or(ref _pending, bit) & bit) == 0)
        {
            _news.Writer.TryWrite(news);
        }
    }

    /// <summary>Follows the exit until told to stop. The exit has answered already where <paramref name="firstRoundTrip"/> is given.</summary>
    public async Task RunAsync(TimeSpan? firstRoundTrip)
    {
        if (firstRoundTrip is { } roundTrip)
        {
            _probed = Phase.Probe;
            Take(new News(NewsKind.Answered, Phase.Probe, roundTrip));
        }

        Task<bool> reading = _news.Reader.WaitToReadAsync().AsTask();
        while (Phase is not Stopping)
        {
            Probe();
            TimeSpan left = Phase.Deadline - Now;
            if (left > TimeSpan.Zero && !reading.IsCompleted)
            {
                using CancellationTokenSource early = new();
                await Task.WhenAny(reading, Task.Delay(left, _time, early.Token)).ConfigureAwait(false);
                await early.CancelAsync().ConfigureAwait(false);
            }

            while (_news.Reader.TryRead(out News news))
            {
                Interlocked.And(ref _pending, ~(1 << (int)news.Kind));
                Take(news);
            }

            if (reading.IsCompleted)
            {
                reading = _news.Reader.WaitToReadAsync().AsTask();
            }

            if (Now >= Phase.Deadline)
            {
                Take(new News(NewsKind.Time));
            }
        }

        Probe();
    }

    /// <inheritdoc/>
    public void Dispose() => _probing?.Dispose();

    private void Take(in News news)
    {
        Phase before = Phase;
        Phase = before.After(news, Now);
        if (!ReferenceEquals(before, Phase))
        {
            _changed(Phase);
        }
    }

    private void Probe()
    {
        if (Phase.Probe == _probed || (Phase.Probe == 0 && _probing is null))
        {
            return;
        }

        _probing?.Cancel();
        _probing?.Dispose();
        _probing = null;
        if (Phase.Probe != 0)
        {
            _probed = Phase.Probe;
            _probing = new CancellationTokenSource();
            _ = AskAsync(_probed, Phase.Occasion, _probing.Token);
        }
    }

    private async Task AskAsync(int number, Occasion occasion, CancellationToken cancellation)
    {
        long start = _time.GetTimestamp();
        try
        {
            // Away from the loop's thread: a look-up may block.
            TimeSpan? roundTrip = await Task.Run(() => _probe(occasion, cancellation), cancellation).ConfigureAwait(false);
            Tell(new News(NewsKind.Answered, number, roundTrip ?? _time.GetElapsedTime(start)));
        }
        catch (CulvertException e)
        {
            Tell(new News(NewsKind.Failed, number, Why: e.Message.TrimEnd('.')));
        }
        catch (OperationCanceledException)
        {
            // Given up; nobody waits for it.
        }
    }
}
