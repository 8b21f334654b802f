using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Culvert.Entries.Tun;

/// <summary>
/// An auto-reset event for one waiter on the loop's own thread: <c>await signal</c> goes on inside <see cref="Set"/>, without a
/// queue, a lock or an allocation. A signal set while nobody waits is kept.
/// </summary>
internal sealed class LoopSignal : INotifyCompletion
{
    private Action? _waiter;
    private bool _set;

    public bool IsCompleted
    {
        get
        {
            bool set = _set;
            _set = false;
            return set;
        }
    }

    public LoopSignal GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation)
    {
        Debug.Assert(_waiter is null, "one waiter at a time");
        _waiter = continuation;
    }

    public void Set()
    {
        if (!Wake())
        {
            _set = true;
        }
    }

    /// <summary>Has the waiter go on, where there is one; otherwise nothing is kept, for those who look at a condition before they wait.</summary>
    public bool Wake()
    {
        if (_waiter is not Action waiter)
        {
            return false;
        }

        _waiter = null;
        waiter();
        return true;
    }
}
