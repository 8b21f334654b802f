using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using Culvert.Tests.Lab.Interop;

namespace Culvert.Tests.Lab;

/// <summary>
/// Five hosts as network namespaces. Client and lan share a segment (a bridge on the router); the router forwards between it, the exit's
/// network and the internet's. Needs root. Everything is named after this process, and what dead processes left is cleaned first.
/// <code>
/// client 192.0.2.10 ─┐
///                    ├─ router .1 ─┬─ exit     198.51.100.10
/// lan    192.0.2.20 ─┘             └─ internet 203.0.113.10 (also .11 to .19 and .53)
/// </code>
/// IPv6 likewise: 2001:db8:1::/64, 2001:db8:2::/64 and 2001:db8:3::/64 with the same last parts. No route of the lab leads to the real network.
/// </summary>
public sealed class LabNetwork : IDisposable
{
    private const string Prefix = "cvlab";
    private const string NamespaceFiles = "/etc/netns";

    private readonly List<Host> _hosts = [];

    /// <summary>Makes the five hosts.</summary>
    public LabNetwork()
    {
        CleanStale();
        Owner = $"{Prefix}-{Environment.ProcessId}-{StartTime(Environment.ProcessId)}";
        Temporary = Path.Combine(Path.GetTempPath(), Owner);
        CommandTemporary = Path.Combine(Temporary, "tmp");
        Work = Path.Combine(Temporary, "work");
        // Plain users run commands in them as well.
        System($"mkdir -m 0777 {Temporary} {CommandTemporary} {Work}");
        Client = Make("client", "192.0.2.10", "2001:db8:1::10");
        Lan = Make("lan", "192.0.2.20", "2001:db8:1::20");
        Router = Make("router", "192.0.2.1", "2001:db8:1::1");
        Exit = Make("exit", "198.51.100.10", "2001:db8:2::10");
        Internet = Make("internet", "203.0.113.10", "2001:db8:3::10");
        Wire();
    }

    /// <summary>True when this process may make namespaces.</summary>
    public static bool Possible => Native.EffectiveUser() == 0;

    /// <summary>Where the program under test runs.</summary>
    public Host Client { get; }

    /// <summary>A neighbour on the client's own segment.</summary>
    public Host Lan { get; }

    /// <summary>Forwards between all, and is where the leak oracle listens.</summary>
    public Host Router { get; }

    /// <summary>Where upstream proxies run.</summary>
    public Host Exit { get; }

    /// <summary>Where destinations live.</summary>
    public Host Internet { get; }

    /// <summary>An address nobody answers for: packets to it vanish at the router.</summary>
    public IPAddress BlackHole { get; } = IPAddress.Parse("203.0.113.66");

    /// <summary>The IPv6 counterpart of <see cref="BlackHole"/>.</summary>
    public IPAddress BlackHole6 { get; } = IPAddress.Parse("2001:db8:3::66");

    /// <summary>An address for which the router answers that the host is unreachable.</summary>
    public IPAddress Unreachable { get; } = IPAddress.Parse("203.0.113.67");

    /// <summary>The lab's resolver, on the internet host.</summary>
    public IPAddress Resolver { get; } = IPAddress.Parse("203.0.113.53");

    /// <summary>A directory for the lab's files; removed at the end.</summary>
    public string Temporary { get; }

    /// <summary>What the lab's commands get as TMPDIR, so that files they leave are seen.</summary>
    public string CommandTemporary { get; }

    /// <summary>The working directory of the lab's commands.</summary>
    public string Work { get; }

    /// <summary>The prefix of everything this lab makes.</summary>
    public string Owner { get; }

    /// <summary>An environment variable that every command of the lab inherits, by which its descendants are known.</summary>
    internal string Mark => $"CULVERT_LAB={Owner}";

    /// <summary>The interface of the router that faces the client: everything that leaves the client passes here.</summary>
    public static string ClientFacing => "client";

    /// <summary>Runs a command of the outer system to its end; throws with what it said when it fails.</summary>
    public static string System(string line)
    {
        ProcessStartInfo start = new("bash", ["-c", line]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("bash did not start.");
        global::System.Threading.Tasks.Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"`{line}` failed with {process.ExitCode}: {error.Result}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Host host in _hosts)
        {
            Remove(host.Namespace);
        }

        Directory.Delete(Temporary, recursive: true);
        RemoveWhenEmpty(NamespaceFiles);
    }

    /// <summary>Removes the hosts of lab processes that no longer run.</summary>
    private static void CleanStale()
    {
        if (!Directory.Exists("/run/netns"))
        {
            return;
        }

        foreach (string space in Directory.GetFiles("/run/netns").Select(path => Path.GetFileName(path)))
        {
            string[] parts = space.Split('-');
            if (parts.Length == 4 && parts[0] == Prefix && StartTime(int.Parse(parts[1], CultureInfo.InvariantCulture)) != parts[2])
            {
                Remove(space);
                string temporary = Path.Combine(Path.GetTempPath(), string.Join('-', parts[..3]));
                if (Directory.Exists(temporary))
                {
                    Directory.Delete(temporary, recursive: true);
                }
            }
        }
    }

    /// <summary>When a process started, in clock ticks since boot; empty when there is none. Tells a process from a later one of the same id.</summary>
    private static string StartTime(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Ends what runs in a namespace, and removes it.</summary>
    internal static void Remove(string space)
    {
        foreach (string process in System($"ip netns pids {space}").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Native.Signal(int.Parse(process, CultureInfo.InvariantCulture), 9);
        }

        System($"ip netns del {space}");
        string files = Path.Combine(NamespaceFiles, space);
        if (Directory.Exists(files))
        {
            Directory.Delete(files, recursive: true);
        }
    }

    private static void RemoveWhenEmpty(string directory)
    {
        if (Directory.Exists(directory) && !Directory.EnumerateFileSystemEntries(directory).Any())
        {
            Directory.Delete(directory);
        }
    }

    private Host Make(string name, string v4, string v6)
    {
        Host host = new(this, name, $"{Owner}-{name}", IPAddress.Parse(v4), IPAddress.Parse(v6));
        string files = Path.Combine(NamespaceFiles, host.Namespace);
        Directory.CreateDirectory(files);
        // ip netns exec shows this file as /etc/resolv.conf.
        File.WriteAllText(Path.Combine(files, "resolv.conf"), $"nameserver {Resolver}\noptions timeout:2 attempts:2\n");
        System($"ip netns add {host.Namespace}");
        _hosts.Add(host);
        host.Ip("link set lo up");
        // Any user may ping, as on the distributions people use.
        System($"ip netns exec {host.Namespace} sysctl -qw net.ipv4.ping_group_range='0 2147483647' net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0");
        return host;
    }

    private void Wire()
    {
        System($"ip netns exec {Router.Namespace} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0");
        Router.Ip("link add name segment type bridge forward_delay 0");
        foreach (Host host in new[] { Client, Lan, Exit, Internet })
        {
            Router.Ip($"link add name {host.Name} type veth peer name eth0 netns {host.Namespace}");
            host.Ip("link set eth0 up");
            Router.Ip($"link set {host.Name} up");
            host.Ip($"addr add {host.V4}/24 dev eth0");
            host.Ip($"addr add {host.V6}/64 dev eth0 nodad");
        }

        Router.Ip($"link set {Client.Name} master segment");
        Router.Ip($"link set {Lan.Name} master segment");
        Router.Ip("link set segment up");
        foreach ((string link, Host host) in new[] { ("segment", Client), (Exit.Name, Exit), (Internet.Name, Internet) })
        {
            Router.Ip($"addr add {Gateway(host.V4, "1")}/24 dev {link}");
            Router.Ip($"addr add {Gateway(host.V6, "1")}/64 dev {link} nodad");
        }

        foreach (Host host in new[] { Client, Lan, Exit, Internet })
        {
            host.Ip($"route add default via {Gateway(host.V4, "1")}");
            host.Ip($"-6 route add default via {Gateway(host.V6, "1")}");
        }

        foreach (string last in Enumerable.Range(11, 9).Append(53).Select(number => number.ToString(CultureInfo.InvariantCulture)))
        {
            Internet.Ip($"addr add {Gateway(Internet.V4, last)}/24 dev eth0");
            Internet.Ip($"addr add {Gateway(Internet.V6, last)}/64 dev eth0 nodad");
        }

        Router.Ip($"route add blackhole {BlackHole}");
        Router.Ip($"-6 route add blackhole {BlackHole6}");
        Router.Ip($"route add unreachable {Unreachable}");
    }

    /// <summary>The address of the same network with another last part.</summary>
    private static IPAddress Gateway(IPAddress address, string last)
    {
        string text = address.ToString();
        return IPAddress.Parse(text[..(text.LastIndexOfAny([':', '.']) + 1)] + last);
    }
}
