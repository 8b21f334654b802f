using System;
using System.IO;
using System.Net;
using Culvert.Tests.Lab;

namespace Culvert.Bench.Running;

/// <summary>
/// The lab's hosts with direct wires (veth pairs) beside the lab's router, so that nothing but the two ends costs anything:
/// client to internet, where the target is, and client to exit to internet for proxies on the far side.
/// </summary>
internal sealed class BenchNetwork : IDisposable
{
    /// <summary>Where the fast SOCKS server of the far side listens.</summary>
    internal static readonly IPEndPoint Socks = IPEndPoint.Parse("10.9.2.2:1080");

    /// <summary>The far side's address over the wires.</summary>
    internal static readonly IPAddress Target = IPAddress.Parse("10.9.0.1");

    /// <summary>Addresses that peers may use inside of their tunnels to the exit.</summary>
    internal const string Routed = "10.8.0.0/16";

    private const int LargestBuffer = 32 << 20;
    private const string UsualSendBuffers = "/proc/sys/net/ipv4/tcp_wmem";
    private int _neighbours;

    /// <summary>Makes the network; <paramref name="congestion"/> is the congestion control of every connection over it. Throws <see cref="BenchException"/> when the kernel does not have it.</summary>
    internal BenchNetwork(string congestion)
    {
        Congestion = congestion;
        Lab = new LabNetwork();
        try
        {
            Wire(Client, "10.9.1.1", Far, "10.9.1.2", "far");
            Wire(Client, "10.9.2.1", Exit, "10.9.2.2", "exit");
            Wire(Exit, "10.9.3.1", Far, "10.9.3.2", "far");
            Far.Ip($"addr add {Target}/32 dev lo");
            Client.Ip($"route add {Target} via 10.9.1.2");
            Exit.Ip($"route add {Target} via 10.9.3.2");
            // Tunnels that end on the exit as a router: what comes out of them has addresses of its own.
            Far.Ip($"route add {Routed} via 10.9.3.1");
            LabNetwork.System($"ip netns exec {Exit.Namespace} sysctl -qw net.ipv4.ip_forward=1");
            foreach (Host host in new[] { Client, Exit, Far })
            {
                // Many short connections to one host, and none that profits from what an earlier one learnt of the path.
                LabNetwork.System($"ip netns exec {host.Namespace} sysctl -qw net.ipv4.ip_local_port_range='1024 65535' net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_no_metrics_save=1 net.core.somaxconn=4096");
                ChooseCongestion(host);
            }
        }
        catch
        {
            Lab.Dispose();
            throw;
        }
    }

    internal LabNetwork Lab { get; }

    /// <summary>The congestion control of every connection over it.</summary>
    internal string Congestion { get; }

    /// <summary>Where the load's near side and the tunnels run.</summary>
    internal Host Client => Lab.Client;

    /// <summary>Where proxies of the far side run.</summary>
    internal Host Exit => Lab.Exit;

    /// <summary>Where the target is.</summary>
    internal Host Far => Lab.Internet;

    /// <summary>
    /// Lets the senders' buffers grow to what fills a path of 1 Gbit/s and 40 ms, or (false) as far as the machine has it: with the usual 4 MiB, bookkeeping included,
    /// raw itself comes to 555 Mbit/s there. Not for good, since on a path without delay they do nothing but spoil the caches.
    /// </summary>
    internal void WidenBuffers(bool wide)
    {
        string[] usual = File.ReadAllText(UsualSendBuffers).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        foreach (Host host in new[] { Client, Far })
        {
            LabNetwork.System($"ip netns exec {host.Namespace} sysctl -qw net.ipv4.tcp_wmem='{usual[0]} {usual[1]} {(wide ? $"{LargestBuffer}" : usual[2])}'");
        }
    }

    /// <summary>
    /// Has the host's TCP use the bench's congestion control on all routes that it has now (IPv4), those of its own addresses included, for connections made from now on. By the
    /// routes, since a namespace's default can only be one that the whole machine allows. What goes by routes of a tunnel's is the load program's to choose.
    /// </summary>
    internal void ChooseCongestion(Host host)
    {
        foreach (string line in host.Ip("-4 route show table all").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string route = line.Trim();
            if (!route.StartsWith("broadcast", StringComparison.Ordinal) && !route.Contains(" congctl ", StringComparison.Ordinal))
            {
                try
                {
                    host.Ip($"route change {route} congctl {Congestion}");
                }
                catch (InvalidOperationException exception)
                {
                    throw new BenchException($"connections cannot use the congestion control {Congestion} (see /proc/sys/net/ipv4/tcp_available_congestion_control): {exception.Message}");
                }
            }
        }
    }

    /// <summary>One more host with a wire to the exit and no other, for a contender that changes the routes or rules of where it runs. The caller removes it.</summary>
    internal Host Neighbour()
    {
        int number = ++_neighbours;
        string name = $"peer{number}";
        (IPAddress near, IPAddress far) = Pair("10.10", number);
        Host host = new(Lab, name, $"{Lab.Owner}-{name}", near, IPAddress.IPv6None);
        LabNetwork.System($"ip netns add {host.Namespace}");
        host.Ip("link set lo up");
        Wire(host, $"{near}", Exit, $"{far}", "exit");
        host.Ip($"route add default via {far}");
        ChooseCongestion(host);
        ChooseCongestion(Exit);
        return host;
    }

    /// <inheritdoc/>
    public void Dispose() => Lab.Dispose();

    /// <summary>The two addresses of the <paramref name="number"/>th (up to 16,383) network of four below <paramref name="prefix"/>.</summary>
    internal static (IPAddress Near, IPAddress Far) Pair(string prefix, int number) =>
        (IPAddress.Parse($"{prefix}.{number >> 6}.{((number & 63) * 4) + 1}"), IPAddress.Parse($"{prefix}.{number >> 6}.{((number & 63) * 4) + 2}"));

    private static void Wire(Host a, string addressA, Host b, string addressB, string nameA)
    {
        string nameB = $"to-{a.Name}";
        a.Ip($"link add name {nameA} type veth peer name {nameB} netns {b.Namespace}");
        a.Ip($"addr add {addressA}/30 dev {nameA}");
        b.Ip($"addr add {addressB}/30 dev {nameB}");
        a.Ip($"link set {nameA} up");
        b.Ip($"link set {nameB} up");
    }
}
