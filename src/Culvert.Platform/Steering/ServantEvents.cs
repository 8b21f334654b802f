using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Culvert.Platform.Interop;
using Culvert.Platform.Netlink;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Steering;

/// <summary>What a servant wakes up for.</summary>
internal enum ServantEvent
{
    /// <summary>The engine has said something, or has gone.</summary>
    Message,

    /// <summary>The machine's interfaces, addresses or routes have changed.</summary>
    Network,

    /// <summary>The time that was waited for.</summary>
    Time,

    /// <summary>Somebody wants this process to end.</summary>
    End,
}

/// <summary>
/// Waits for the engine, the network, the clock and SIGTERM at once. Ctrl-C and a terminal that closes are the engine's affair: it goes, and then so do we.
/// </summary>
internal sealed unsafe class ServantEvents : IDisposable
{
    // Routes come in bursts; the guard follows once a burst is over.
    private const int GatheringMilliseconds = 50;

    private readonly SafeFileHandle _channel;
    private readonly RouteMonitor _monitor = new();
    private readonly SafeFileHandle _end = Descriptors.Own(Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK), "The helper cannot wait for its end");
    private readonly PosixSignalRegistration[] _signals;

    public ServantEvents(SafeFileHandle channel)
    {
        _channel = channel;
        _signals =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, End),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, static signal => signal.Cancel = true),
            PosixSignalRegistration.Create(PosixSignal.SIGQUIT, static signal => signal.Cancel = true),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, static signal => signal.Cancel = true),
        ];
    }

    /// <summary>Waits for the next event, for <paramref name="limit"/> at most (null: for ever). The engine comes first.</summary>
    public ServantEvent Wait(TimeSpan? limit)
    {
        long start = Stopwatch.GetTimestamp();
        bool changed = false;
        Libc.PollDescriptor* descriptors = stackalloc Libc.PollDescriptor[3];
        while (true)
        {
            TimeSpan? left = changed ? TimeSpan.FromMilliseconds(GatheringMilliseconds) : limit - Stopwatch.GetElapsedTime(start);
            descriptors[0] = Readable(_end);
            descriptors[1] = Readable(_channel);
            descriptors[2] = Readable(_monitor.Socket);
            int ready = Poll(descriptors, left);
            if (ready < 0 && Errno.Last != Errno.EINTR)
            {
                throw Descriptors.Failure("The helper cannot wait");
            }

            if (ready > 0 && descriptors[0].Returned != 0)
            {
                return ServantEvent.End;
            }

            if (ready > 0 && descriptors[1].Returned != 0)
            {
                return ServantEvent.Message;
            }

            if (ready > 0)
            {
                _monitor.Drain();
                changed = true;
            }
            else if (ready == 0)
            {
                return changed ? ServantEvent.Network : ServantEvent.Time;
            }
        }
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
        {
            signal.Dispose();
        }

        _monitor.Dispose();
        _end.Dispose();
    }

    private static Libc.PollDescriptor Readable(SafeFileHandle handle) => new() { Descriptor = (int)handle.DangerousGetHandle(), Events = Libc.POLLIN };

    private static int Poll(Libc.PollDescriptor* descriptors, TimeSpan? left)
    {
        long ticks = Math.Max(left?.Ticks ?? 0, 0);
        Libc.TimeSpec time = new() { Seconds = ticks / TimeSpan.TicksPerSecond, Nanoseconds = ticks % TimeSpan.TicksPerSecond * 100 };
        return Libc.ppoll(descriptors, 3, left is null ? null : &time, null);
    }

    private void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        ulong one = 1;
        _ = Libc.write(_end, (byte*)&one, sizeof(ulong));
    }
}
