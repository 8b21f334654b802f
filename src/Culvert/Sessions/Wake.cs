using System;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;

namespace Culvert.Sessions;

/// <summary>
/// One waiter that is woken from elsewhere, without garbage per wait. Both members are called under the driver's lock; whoever waits goes on outside of it, and looks again at what it waits for.
/// </summary>
internal sealed class Wake : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private bool _waiting;

    /// <summary>Waits for the next <see cref="Set"/>. To be awaited outside of the lock.</summary>
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

    /// <summary>Wakes whoever waits; remembers nothing.</summary>
    public void Set()
    {
        if (_waiting)
        {
            _waiting = false;
            _core.SetResult(true);
        }
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
