using System;

namespace Culvert.Tests.Lab.Peers;

/// <summary>
/// systemd-resolved with a system bus of its own on a host that has an <see cref="OwnSystem"/>: /etc/resolv.conf is its stub, and eth0 has the lab's resolver, as
/// a network manager would set it. Its defaults are those that get in a tunnel's way: LLMNR and mDNS on, DNSSEC and TLS wanted.
/// </summary>
public sealed class Resolved : IDisposable
{
    private readonly Host _host;
    private readonly Command _bus;
    private Command _daemon;

    /// <summary>Starts both; the host resolves names by it when this returns.</summary>
    public Resolved(LabNetwork network, Host host)
    {
        _host = host;
        host.Shell("""
            set -e
            mkdir -p /run/systemd/resolve && chown systemd-resolve:systemd-resolve /run/systemd/resolve
            printf '[Resolve]\nFallbackDNS=\nDNSSEC=yes\nDNSOverTLS=yes\nMulticastDNS=yes\nLLMNR=yes\n' > /etc/systemd/resolved.conf
            ln -sfn ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
            """).Ok();
        _bus = Bus.Start(host);
        try
        {
            _daemon = Start();
            host.Shell($"""
                set -e
                resolvectl dns eth0 {network.Resolver}; resolvectl default-route eth0 yes
                for what in llmnr mdns dnssec dnsovertls; do resolvectl $what eth0 no; done
                resolvectl query v4.lab.example
                """).Ok();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Ends it and starts it anew, as an update of the system does; what links were told is kept by it or, with <paramref name="forgetful"/>, lost.</summary>
    public void Restart(bool forgetful)
    {
        _daemon.Signal(15);
        _daemon.Wait();
        if (forgetful)
        {
            _host.Shell("rm -r /run/systemd/resolve/netif").Ok();
        }

        _daemon = Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _daemon?.Dispose();
        _bus.Dispose();
    }

    private Command Start()
    {
        Command daemon = _host.Start(["/usr/lib/systemd/systemd-resolved"], new CommandOptions { TimeOut = TimeSpan.FromHours(1) });
        Until.True(
            () =>
            {
                daemon.ThrowIfEnded();
                return _host.Shell("resolvectl dns").ExitCode == 0;
            },
            "systemd-resolved to be there");
        return daemon;
    }
}
