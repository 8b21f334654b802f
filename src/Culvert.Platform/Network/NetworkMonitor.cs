using System;
using System.Threading;
using Culvert.Core;
using Culvert.Platform.Interop;
using Culvert.Platform.Netlink;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Network;

/// <summary>
/// Tells when a link, an address or a route of this machine changed (rtnetlink(7) groups), or when it woke from suspend (its two clocks differ by
/// more than before). Changes that come together are told once.
/// </summary>
public sealed unsafe class NetworkMonitor : IDisposable
{
    // What belongs together comes within a moment; and how often a sleep is looked for.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan SleepCheck = TimeSpan.FromSeconds(1);

    // A network that never settles is told of as well.
    private const int MaxSettling = 5;

    private readonly RouteMonitor _routes = new();
    private readonly SafeFileHandle _wake;
    private readonly Action _changed;
    private readonly Thread _thread;
    private volatile bool _stopping;

    /// <summary>Listens from now on; <paramref name="changed"/> is called on a thread of its own, never twice at a time.</summary>
    /// <exception cref="CulvertException">The system does not tell of changes: <see cref="FailureKind.Configuration"/>.</exception>
    public NetworkMonitor(Action changed)
    {
        _changed = changed;
        _wake = Descriptors.Own(Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK), "Changes of the network cannot be watched (eventfd)");
        _thread = new Thread(Run) { IsBackground = true, Name = "network monitor" };
        _thread.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        ulong one = 1;
        _ = Libc.write(_wake, (byte*)&one, sizeof(ulong)); // fails only when it is set already
        _thread.Join();
        _routes.Dispose();
        _wake.Dispose();
    }

    private static TimeSpan Asleep() => Clock(Libc.CLOCK_BOOTTIME) - Clock(Libc.CLOCK_MONOTONIC);

    private static TimeSpan Clock(int clock)
    {
        Libc.TimeSpec time;
        _ = Libc.clock_gettime(clock, &time); // both clocks exist on every kernel that .NET runs on
        return TimeSpan.FromTicks((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / 100));
    }

    private void Run()
    {
        TimeSpan asleep = Asleep();
        while (!_stopping)
        {
            bool changed = Wait(SleepCheck);
            if (changed)
            {
                _routes.Drain();
                for (int i = 0; i < MaxSettling && Wait(Settle); i++)
                {
                    _routes.Drain();
                }
            }

            TimeSpan now = Asleep();
            bool woke = now - asleep > SleepCheck;
            asleep = now;
            if ((changed || woke) && !_stopping)
            {
                _changed();
            }
        }
    }

    private bool Wait(TimeSpan limit)
    {
        Libc.PollDescriptor* descriptors = stackalloc Libc.PollDescriptor[2];
        descriptors[0] = new Libc.PollDescriptor { Descriptor = (int)_routes.Socket.DangerousGetHandle(), Events = Libc.POLLIN };
        descriptors[1] = new Libc.PollDescriptor { Descriptor = (int)_wake.DangerousGetHandle(), Events = Libc.POLLIN };
        Libc.TimeSpec time = new() { Seconds = limit.Ticks / TimeSpan.TicksPerSecond, Nanoseconds = limit.Ticks % TimeSpan.TicksPerSecond * 100 };
        return Libc.ppoll(descriptors, 2, &time, null) > 0 && descriptors[0].Returned != 0;
    }
}
