using System;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;

namespace Culvert.Sessions;

/// <summary>
/// One waiter that is woken from elsewhere, without garbage per wait. Waits and wakes are begun under the driver's lock; whoever waits goes on behind it, and looks again at what it waits for.
/// </summary>
internal sealed class Wake : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core;
    private bool _waiting;

    /// <summary>The next of those that were woken in the same turn.</summary>
    internal Wake? Next { get; set; }

    /// <summary>Whoever waits goes on elsewhere, on a thread of the pool.</summary>
    internal bool Elsewhere { get; set; }

    /// <summary>Somebody waits.</summary>
    public bool IsWaiting => _waiting;

    /// <summary>Waits until it is woken. To be awaited outside of the lock.</summary>
    public ValueTask WaitAsync()
    {
        if (_waiting)
        {
            throw new InvalidOperationException("One reader and one writer at a time.");
        }

        _core.Reset();
        _waiting = true;
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Nobody waits from now on; false where nobody did.</summary>
    internal bool TryTake()
    {
        bool waited = _waiting;
        _waiting = false;
        return waited;
    }

    /// <summary>Whoever waited goes on. Outside of the lock.</summary>
    internal void Complete()
    {
        _core.RunContinuationsAsynchronously = Elsewhere;
        _core.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
