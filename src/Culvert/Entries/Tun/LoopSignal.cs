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
        if (_waiter is Action waiter)
        {
            _waiter = null;
            waiter();
        }
        else
        {
            _set = true;
        }
    }
}
