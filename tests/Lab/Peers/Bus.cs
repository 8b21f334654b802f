using System;

namespace Culvert.Tests.Lab.Peers;

/// <summary>A system bus (dbus-daemon) for a host that has an <see cref="OwnSystem"/>.</summary>
public static class Bus
{
    /// <summary>Starts it; programs can connect when this returns.</summary>
    public static Command Start(Host host)
    {
        Command bus = host.Start(["dbus-daemon", "--system", "--nofork", "--nopidfile"], new CommandOptions { TimeOut = TimeSpan.FromHours(1) });
        Until.True(
            () =>
            {
                bus.ThrowIfEnded();
                return host.Shell("dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId").ExitCode == 0;
            },
            "the system bus to be there");
        return bus;
    }
}
