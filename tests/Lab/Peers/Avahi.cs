using System;

namespace Culvert.Tests.Lab.Peers;

/// <summary>Avahi, the other implementation of multicast DNS, with a system bus of its own on a host that has an <see cref="OwnSystem"/>.</summary>
public sealed class Avahi : IDisposable
{
    private readonly Command _bus;
    private readonly Command _daemon;

    /// <summary>Starts both; services can be told of and looked for when this returns.</summary>
    public Avahi(Host host)
    {
        host.Shell("""
            set -e
            grep -q '^avahi:' /etc/passwd || echo 'avahi:x:4354:4354::/:/bin/false' >> /etc/passwd
            grep -q '^avahi:' /etc/group || echo 'avahi:x:4354:' >> /etc/group
            mkdir -p /run/avahi-daemon /etc/avahi/services
            printf '[server]\nhost-name=neighbour\nallow-interfaces=eth0\nuse-ipv4=yes\nuse-ipv6=yes\n[publish]\npublish-workstation=no\npublish-hinfo=no\n' > /etc/avahi/avahi-daemon.conf
            """).Ok();
        _bus = Bus.Start(host);
        try
        {
            _daemon = host.Start(
                ["avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", "/etc/avahi/avahi-daemon.conf"], new CommandOptions { TimeOut = TimeSpan.FromHours(1) });
            _daemon.WaitFor("Server startup complete");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _daemon?.Dispose();
        _bus.Dispose();
    }
}
