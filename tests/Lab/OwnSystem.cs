using System;
using System.IO;

namespace Culvert.Tests.Lab;

/// <summary>
/// Hosts' own /run, /etc and /usr on top of the machine's, in a mount namespace that every command of the hosts enters from here on: daemons, accounts and
/// packages that a real machine has can be there without the machine that runs the tests having them. All of it is in memory and goes with this object.
/// </summary>
public sealed class OwnSystem : IDisposable
{
    private readonly Host[] _hosts;
    private readonly Command _holder;

    /// <summary>Gives the hosts a system to share. There are users <c>mary</c> (password "secret-word") and <c>eve</c>, whom nothing is allowed.</summary>
    public OwnSystem(LabNetwork network, params Host[] hosts)
    {
        _hosts = hosts;
        string usr = Directory.Exists(Tools.Unpacked) ? $"mount -t overlay -o lowerdir={Tools.Unpacked}/usr:/usr usr /usr" : ":";
        _holder = hosts[0].Start(["unshare", "--mount", "--propagation", "private", "bash", "-c", $$"""
            set -e
            mount -t tmpfs -o mode=755 run /run
            mkdir -p /run/own/etc /run/own/work /run/dbus /run/lock /run/systemd /run/sudo
            mkdir -m 1777 /run/shm
            mount -t overlay -o lowerdir=/etc,upperdir=/run/own/etc,workdir=/run/own/work etc /etc
            {{usr}}
            printf 'nameserver {{network.Resolver}}\n' > /run/own/resolv.conf
            cp --remove-destination /run/own/resolv.conf /etc/resolv.conf
            account() { # name, number
                grep -q "^$1:" /etc/passwd || echo "$1:x:$2:$2::/:/bin/bash" >> /etc/passwd
                grep -q "^$1:" /etc/group || echo "$1:x:$2:" >> /etc/group
            }
            account messagebus 4351; account polkitd 4352; account systemd-resolve 4353; account mary {{Mary}}; account eve {{Eve}}
            hash=$(openssl passwd -6 {{Password}})
            echo "mary:$hash:20000::::::" >> /etc/shadow
            echo "eve:$hash:20000::::::" >> /etc/shadow
            echo furnished
            exec sleep infinity
            """], new CommandOptions { TimeOut = TimeSpan.FromHours(1) });
        try
        {
            _holder.WaitFor("furnished");
        }
        catch
        {
            _holder.Dispose();
            throw;
        }

        Enter($"/proc/{_holder.Id}/ns/mnt");
    }

    /// <summary>The number of a user without privileges, and of its group.</summary>
    public const int Mary = 4101;

    /// <summary>Another one.</summary>
    public const int Eve = 4102;

    /// <summary>The password of both.</summary>
    public const string Password = "secret-word";

    /// <inheritdoc/>
    public void Dispose()
    {
        Enter(null);
        _holder.Dispose();
    }

    private void Enter(string? mounts)
    {
        foreach (Host host in _hosts)
        {
            host.Mounts = mounts;
        }
    }
}
