using System;
using System.Collections.Generic;
using System.Threading;
using Culvert.Core;

namespace Culvert.Entries.Tun;

/// <summary>Tells the person, once a cause, about failures of the exit itself; those of a destination are the application's to tell. For all queues.</summary>
internal sealed class ExitTrouble(Action<string>? warn)
{
    private readonly Lock _lock = new();
    private readonly HashSet<FailureKind> _told = [];
    private volatile bool _any;

    /// <summary>An exit failed to do something.</summary>
    public void Report(CulvertException failure)
    {
        if (failure.Kind is not (FailureKind.ExitUnreachable or FailureKind.Authentication or FailureKind.Untrusted or FailureKind.Protocol))
        {
            return;
        }

        bool isNews;
        lock (_lock)
        {
            isNews = _told.Add(failure.Kind);
            _any = true;
        }

        if (isNews)
        {
            warn?.Invoke(failure.Message);
        }
    }

    /// <summary>The exit works (again): its next failure is news.</summary>
    public void Works()
    {
        if (_any)
        {
            lock (_lock)
            {
                _told.Clear();
                _any = false;
            }
        }
    }
}
