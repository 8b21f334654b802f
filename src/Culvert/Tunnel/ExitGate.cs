using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Flows;

namespace Culvert.Tunnel;

/// <summary>
/// The exit as the entry of a supervised tunnel sees it: open while the exit works. While it is away, connections and DNS queries wait for a bounded time, and
/// everything else is refused at once; nothing ever goes around it.
/// </summary>
internal sealed class ExitGate : IExit
{
    private readonly IExit _exit;
    private readonly TimeSpan _patience;
    private readonly Action<NewsKind> _tell;
    private readonly Lock _lock = new();
    private TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _open;
    private int _waiting;
    private volatile string _why = "it is being connected to";

    /// <summary>A closed gate before <paramref name="exit"/>, which stays the caller's.</summary>
    /// <param name="exit">The exit itself.</param>
    /// <param name="patience">How long a connection or a query waits for the exit to come back.</param>
    /// <param name="tell">Told <see cref="NewsKind.Wanted"/> and <see cref="NewsKind.Carried"/>, from any thread.</param>
    public ExitGate(IExit exit, TimeSpan patience, Action<NewsKind> tell)
    {
        _exit = exit;
        _patience = patience;
        _tell = tell;
    }

    /// <inheritdoc/>
    public string Description => _exit.Description;

    /// <inheritdoc/>
    public ExitCapabilities Capabilities => _exit.Capabilities;

    /// <summary>Lets flows through.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _open = true;
            _opened.TrySetResult();
        }
    }

    /// <summary>Holds flows back; <paramref name="why"/> is what those hear that waited in vain. Tells that the exit is wanted where some still wait.</summary>
    public void Close(string why)
    {
        lock (_lock)
        {
            _why = why;
            if (_open)
            {
                _open = false;
                _opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        if (Volatile.Read(ref _waiting) > 0)
        {
            _tell(NewsKind.Wanted);
        }
    }

    /// <inheritdoc/>
    public ValueTask ProbeAsync(CancellationToken cancellation) => _exit.ProbeAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation) =>
        ConnectAsync(destination, SocketDialer.Instance, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IConnection> ConnectAsync(Destination destination, IDialer dialer, CancellationToken cancellation)
    {
        // The loop that asks dials on itself: the continuation goes back to it.
        await PassAsync(_patience, cancellation);
        try
        {
            IConnection connection = await _exit.ConnectAsync(destination, dialer, cancellation);
            _tell(NewsKind.Carried);
            return connection;
        }
        catch (CulvertException e)
        {
            Doubt(e);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IConnection> ConnectUnixAsync(string path, CancellationToken cancellation) => _exit.ConnectUnixAsync(path, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation)
    {
        await PassAsync(TimeSpan.Zero, cancellation).ConfigureAwait(false);
        try
        {
            return await _exit.AssociateAsync(cancellation).ConfigureAwait(false);
        }
        catch (CulvertException e)
        {
            Doubt(e);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        await PassAsync(TimeSpan.Zero, cancellation).ConfigureAwait(false);
        return await _exit.EchoAsync(destination, payload, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation)
    {
        await PassAsync(_patience, cancellation).ConfigureAwait(false);
        return await _exit.ResolveAsync(query, cancellation).ConfigureAwait(false);
    }

    /// <summary>The exit itself is its maker's.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async ValueTask PassAsync(TimeSpan patience, CancellationToken cancellation)
    {
        if (_open)
        {
            return;
        }

        _tell(NewsKind.Wanted);
        if (patience > TimeSpan.Zero)
        {
            Task opened;
            lock (_lock)
            {
                opened = _opened.Task;
            }

            Interlocked.Increment(ref _waiting);
            try
            {
                await opened.WaitAsync(patience, cancellation).ConfigureAwait(false);
                return;
            }
            catch (TimeoutException)
            {
                // Refused below.
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }

        throw new CulvertException(FailureKind.ExitUnreachable, $"The exit {Description} is away: {_why}.");
    }

    private void Doubt(CulvertException failure)
    {
        if (failure.Kind is FailureKind.ExitUnreachable or FailureKind.Authentication or FailureKind.Untrusted)
        {
            _tell(NewsKind.Wanted);
        }
    }
}
