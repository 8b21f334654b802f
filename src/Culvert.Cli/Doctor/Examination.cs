using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;

namespace Culvert.Cli.Doctor;

/// <summary>What a <see cref="Machine"/> lacks for Culvert, in plain words with the fix. Pure.</summary>
internal static class Examination
{
    // Below this a path drops what the Internet promises to carry of IPv6 (RFC 8200 section 5).
    private const int LeastMtu = 1280;

    /// <summary>A finding for everything that was looked at, in the order in which things depend on each other.</summary>
    public static IReadOnlyList<Finding> Of(Machine machine) =>
    [
        Tun(machine), UserNamespaces(machine), Privileges(machine), Firewall(machine), Leftovers(machine), WayOut(machine), OtherVpn(machine),
        ReversePath(machine), Resolver(machine), Clock(machine), IPv6(machine), .. Mtu(machine),
    ];

    private static Finding Tun(Machine machine) => machine switch
    {
        { TunExists: false } => new(
            Severity.Problem, "TUN", "This machine has no /dev/net/tun, so no link can be made.", "sudo modprobe tun (in a container: start it with --device /dev/net/tun)"),
        { TunTrouble: { } why } => new(
            Severity.Warning, "TUN", $"/dev/net/tun is not open to this user ({why}): `run` needs root here.", "sudo chmod 666 /dev/net/tun (it gives nobody power over the machine's network)"),
        _ => new(Severity.Fine, "TUN", "/dev/net/tun is there and open to this user."),
    };

    private static Finding UserNamespaces(Machine machine)
    {
        const string Subject = "user namespaces";
        const string Without = "`run` needs root without them.";
        return machine.Settings.GetValueOrDefault("user/max_user_namespaces") == "0"
            ? new(Severity.Warning, Subject, $"They are switched off; {Without}", "sudo sysctl -w user.max_user_namespaces=10000")
            : machine.Settings.GetValueOrDefault("kernel/unprivileged_userns_clone") == "0"
            ? new(Severity.Warning, Subject, $"They are switched off for plain users; {Without}", "sudo sysctl -w kernel.unprivileged_userns_clone=1")
            : machine.Settings.GetValueOrDefault("kernel/apparmor_restrict_unprivileged_userns") == "1"
            ? new(Severity.Warning, Subject, $"AppArmor keeps plain users from them; {Without}", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0")
            : new(Severity.Fine, Subject, "Plain users may make them.");
    }

    private static Finding Privileges(Machine machine) => machine.CanElevate
        ? new(Severity.Fine, "privileges", "The helper of `up` can be started.")
        : new(Severity.Problem, "privileges", "There is neither sudo nor pkexec nor the service to start the helper of `up` with.", "run it as root, or install sudo");

    private static Finding Firewall(Machine machine) => machine.HasFirewall
        ? new(Severity.Fine, "leak guard", "nftables is there.")
        : new(Severity.Problem, "leak guard", "nftables is missing, and `up` does not go without its leak guard.", "sudo apt install nftables");

    private static Finding Leftovers(Machine machine)
    {
        string[] stale = [.. machine.Journals.Except(machine.Running)];
        return stale.Length == 0
            ? new(Severity.Fine, "leftovers", "No dead tunnel has left anything.")
            : new(Severity.Problem, "leftovers", $"A tunnel that died left rules or a kill switch behind: {string.Join(", ", stale)}.", "culvert cleanup");
    }

    private static Finding WayOut(Machine machine) => machine.DefaultInterface is { } name
        ? new(Severity.Fine, "network", $"The way out is {name}.")
        : new(Severity.Problem, "network", "This machine has no default route, so no exit can be reached.", "connect it to a network");

    private static Finding OtherVpn(Machine machine) => machine.OtherVpns.Count == 0
        ? new(Severity.Fine, "other VPNs", "None takes this machine's traffic.")
        : new(
            Severity.Warning, "other VPNs", $"Another tunnel takes this machine's traffic already: {string.Join(", ", machine.OtherVpns)}. `up` would go on top of it, with the exit reached through it.",
            "end it first, unless that is what you want");

    private static Finding ReversePath(Machine machine)
    {
        string[] strict = [.. new[] { "all", machine.DefaultInterface }.Where(name => name is not null && machine.Settings.GetValueOrDefault($"net/ipv4/conf/{name}/rp_filter") == "1").Select(static name => name!)];
        return strict.Length == 0
            ? new(Severity.Fine, "rp_filter", "Answers may come in by another way than they would go out (not strict).")
            : new(
                Severity.Warning, "rp_filter", $"Strict reverse-path filtering ({string.Join(", ", strict)}): `up` has to loosen it while it is there, and gives it back.",
                $"sudo sysctl -w {string.Join(' ', strict.Select(static name => $"net.ipv4.conf.{name}.rp_filter=2"))}");
    }

    private static Finding Resolver(Machine machine)
    {
        if (machine.Resolvers.Count == 0)
        {
            return new(Severity.Warning, "names", "/etc/resolv.conf names no name server.", "give --dns ADDRESS or --dns https://… to `up` and `run`");
        }

        return machine.Resolvers.All(IPAddress.IsLoopback) && machine.Uplinks.Count == 0
            ? new(
                Severity.Warning, "names",
                $"The name server is on this machine ({string.Join(", ", machine.Resolvers)}), and whom it asks is not known. With the direct exit it would ask through the tunnel, and so itself: a loop.",
                "give --dns ADDRESS or --dns https://… to `up`")
            : new(Severity.Fine, "names", $"Name servers: {string.Join(", ", machine.Resolvers.Concat(machine.Uplinks).Distinct())}.");
    }

    private static Finding Clock(Machine machine) =>
        machine.Now < machine.Built
            ? new(Severity.Problem, "clock", $"The clock says {machine.Now:yyyy-MM-dd HH:mm}, which is before this program was built: certificates will not be accepted.", "set it: sudo timedatectl set-ntp true")
            : machine.ClockFollows == false
            ? new(Severity.Warning, "clock", "The clock follows no time server; when it is minutes off, certificates and pairing fail.", "sudo timedatectl set-ntp true")
            : new(Severity.Fine, "clock", $"It says {machine.Now:yyyy-MM-dd HH:mm} (UTC).");

    private static Finding IPv6(Machine machine) => machine switch
    {
        { HasV6Address: false, HasV6Route: false } => new(Severity.Fine, "IPv6", "There is none; the direct exit refuses it at once."),
        { HasV6Address: true, HasV6Route: false } => new(
            Severity.Warning, "IPv6", "There is an address but no default route: programs that try IPv6 first are slow without a tunnel.", "look at the router's advertisements, or --ipv6 block"),
        { HasV6Address: false, HasV6Route: true } => new(
            Severity.Warning, "IPv6", "There is a default route but no address of global scope.", "look at the router's advertisements, or --ipv6 block"),
        { V6Answers: false } => new(Severity.Warning, "IPv6", "There is an address and a route, but nothing answers.", "--ipv6 block, until the provider has repaired it"),
        _ => new(Severity.Fine, "IPv6", "There is an address and a default route."),
    };

    private static IEnumerable<Finding> Mtu(Machine machine)
    {
        if (machine.Sizes.Count == 0)
        {
            yield break;
        }

        SizeProbe[] answered = [.. machine.Sizes.Where(static p => p.Outcome == SizeOutcome.Answered)];
        SizeProbe[] silent = [.. machine.Sizes.Where(static p => p.Outcome == SizeOutcome.Silence)];
        if (answered.Length == 0)
        {
            yield return new(Severity.Fine, "MTU", "The host does not answer pings, so nothing is known of the path.");
            yield break;
        }

        int largest = answered.Max(static p => p.Size);
        bool hole = silent.Any(p => p.Size > largest);
        yield return hole
            ? new(
                Severity.Warning, "MTU", $"Packets larger than {largest} bytes vanish on the path without a word (a black hole).",
                $"set the interface's MTU to {Math.Max(largest, LeastMtu)}: sudo ip link set dev {machine.DefaultInterface ?? "IFACE"} mtu {Math.Max(largest, LeastMtu)}")
            : new(Severity.Fine, "MTU", $"The path carries {largest} bytes{(machine.Sizes.Any(static p => p.Outcome == SizeOutcome.TooBig) ? ", and says so when something is larger" : "")}.");
    }
}
