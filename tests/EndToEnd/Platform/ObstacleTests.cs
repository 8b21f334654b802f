using System;
using Xunit;

namespace Culvert.Tests.EndToEnd.Platform;

/// <summary>What stands in the way of confining a command is said in one sentence with the fix; nothing runs then.</summary>
[Collection(PlatformCollection.Name)]
public sealed class ObstacleTests(ProbeFolder probe)
{
    private const string AsNobody = "exec setpriv --reuid=65534 --regid=65534 --clear-groups -- ";

    [LabFact]
    public void NoTunDevice() =>
        Fails("mount -t tmpfs empty /dev/net; exec \"$@\"", "Configuration: This machine has no /dev/net/tun: load the driver (sudo modprobe tun)");

    [LabFact]
    public void TunDeviceOfRootAlone() =>
        Fails($"mount -t tmpfs -o mode=755 d /dev/net; mknod -m 600 /dev/net/tun c 10 200; {AsNobody} \"$@\"", "Privilege: /dev/net/tun is not open to this user: let everyone use it (sudo chmod 666 /dev/net/tun");

    [LabFact]
    public void NoUnshare() =>
        Fails("d=$(dirname $(readlink -f $(command -v dotnet))); shift 2; PATH=/nowhere exec $d/dotnet \"$@\"", "Configuration: The program `unshare` is missing: install util-linux");

    [LabFact]
    public void UserNamespacesSwitchedOff() => Fails(
        $"{AsNobody} unshare --user --map-current-user --keep-caps sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --inh-caps -all --ambient-caps -all \"$@\"' sh \"$@\"",
        "Privilege: User namespaces are switched off: allow them (sudo sysctl -w user.max_user_namespaces=10000), or run it with sudo (unshare: ");

    [LabFact]
    public void RootWithoutThePowerOverNetworks() => Fails(
        "mount -t tmpfs bin /mnt; printf '#!/bin/sh\\necho unshare: unshare failed: Operation not permitted >&2; exit 1\\n' > /mnt/unshare; chmod 755 /mnt/unshare; PATH=/mnt:$PATH exec \"$@\"",
        "Privilege: Not even root may make network namespaces here (a container needs --cap-add SYS_ADMIN): unshare: unshare failed: Operation not permitted.");

    [LabFact]
    public void NoResolverFile() => Fails(
        "mount -t tmpfs etc /mnt; cp -a /etc/. /mnt; rm /mnt/resolv.conf; mount --bind /mnt /etc; exec \"$@\"", "Configuration: /etc/resolv.conf does not exist");

    [LabFact]
    public void HelperThatBreaksSaysSoItself() => Fails(
        "mount -t tmpfs bin /mnt; printf '#!/bin/sh\\necho Segmentation fault >&2; exit 139\\n' > /mnt/unshare; chmod 755 /mnt/unshare; PATH=/mnt:$PATH exec \"$@\"",
        "Bug: The helper ended with code 139: Segmentation fault.");

    [LabFact]
    public void ResolverInADirectoryThatIsHiddenIsPutThere()
    {
        // As systemd-resolved has it: the file is a link into the directory of its sockets.
        const string before = """
            mount -t tmpfs etc /mnt; cp -a /etc/. /mnt; ln -sf ../run/systemd/resolve/stub-resolv.conf /mnt/resolv.conf; mount --bind /mnt /etc
            mount -t tmpfs run /run; mkdir -p /run/systemd/resolve /run/avahi-daemon; echo nameserver 127.0.0.53 > /run/systemd/resolve/stub-resolv.conf
            touch /run/systemd/resolve/io.systemd.Resolve /run/avahi-daemon/socket; exec "$@"
            """;
        (int code, string output, string error) = ProbeRun.Shell(probe, false, "grep nameserver /etc/resolv.conf; ls /run/systemd/resolve /run/avahi-daemon; ls /etc/passwd", before);
        Assert.Equal((0, "nameserver 198.18.0.1\n/run/avahi-daemon:\n\n/run/systemd/resolve:\nstub-resolv.conf\n/etc/passwd\n", ""), (code, output, error));
    }

    [LabFact]
    public void HelperStartedByHandSaysWhatItIs()
    {
        (int code, _, string error) = ProbeRun.Shell(probe, false, $"dotnet {probe.Folder}/culvert-helper.dll confine");
        Assert.Equal(2, code);
        Assert.Contains("the helper of culvert", error, StringComparison.Ordinal);
    }

    private void Fails(string before, string sentence)
    {
        (int code, string output, string error) = ProbeRun.Shell(probe, false, "echo it ran", before);
        Assert.Contains("probe: " + sentence, error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((125, ""), (code, output));
    }
}
