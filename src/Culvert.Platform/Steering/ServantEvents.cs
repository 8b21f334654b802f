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

    /// <summary>The machine's resolver has been told something, or has started.</summary>
    Resolver,

    /// <summary>The time that was waited for.</summary>
    Time,

    /// <summary>Somebody wants this process to end.</summary>
    End,
}

/// <summary>
/// Waits for the engine, the network, the machine's resolver, the clock and SIGTERM at once. Ctrl-C and a terminal that closes are the engine's affair: it goes, and then so do we.
/// </summary>
internal sealed unsafe class ServantEvents : IDisposable
{
    // Changes come in bursts; they are followed once a burst is over.
    private const int GatheringMilliseconds = 50;

    private readonly SafeFileHandle _channel;
    private readonly RouteMonitor _routes = new();
    private readonly ResolvedMonitor _resolver = new();
    private readonly SafeFileHandle _end = Descriptors.Own(Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK), "The helper cannot wait for its end");
    private readonly PosixSignalRegistration[] _signals;
    private bool _networkChanged;
    private bool _resolverChanged;

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
        Libc.PollDescriptor* descriptors = stackalloc Libc.PollDescriptor[4];
        while (true)
        {
            TimeSpan? left = _networkChanged || _resolverChanged ? TimeSpan.FromMilliseconds(GatheringMilliseconds) : limit - Stopwatch.GetElapsedTime(start);
            descriptors[0] = Readable(_end);
            descriptors[1] = Readable(_channel);
            descriptors[2] = Readable(_routes.Socket);
            descriptors[3] = Readable(_resolver.Handle);
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

            if (ready > 0 && descriptors[2].Returned != 0)
            {
                _routes.Drain();
                _networkChanged = true;
            }

            if (ready > 0 && descriptors[3].Returned != 0)
            {
                _resolver.Drain();
                _resolverChanged = true;
            }

            if (ready == 0)
            {
                ServantEvent happened = _networkChanged ? ServantEvent.Network : _resolverChanged ? ServantEvent.Resolver : ServantEvent.Time;
                _resolverChanged &= _networkChanged; // the other one's turn
                _networkChanged = false;
                return happened;
            }
        }
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
        {
            signal.Dispose();
        }

        _routes.Dispose();
        _resolver.Dispose();
        _end.Dispose();
    }

    private static Libc.PollDescriptor Readable(SafeFileHandle handle) => new() { Descriptor = (int)handle.DangerousGetHandle(), Events = Libc.POLLIN };

    private static int Poll(Libc.PollDescriptor* descriptors, TimeSpan? left)
    {
        long ticks = Math.Max(left?.Ticks ?? 0, 0);
        Libc.TimeSpec time = new() { Seconds = ticks / TimeSpan.TicksPerSecond, Nanoseconds = ticks % TimeSpan.TicksPerSecond * 100 };
        return Libc.ppoll(descriptors, 4, left is null ? null : &time, null);
    }

    private void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        ulong one = 1;
        _ = Libc.write(_end, (byte*)&one, sizeof(ulong));
    }
}
