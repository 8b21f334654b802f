using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;

namespace Culvert.Tests.EndToEnd.Up;

/// <summary>The network of a round of faults: strikes the tunnel, and makes good again what can be.</summary>
internal sealed class FaultScene(LabNetwork network, Random random) : IDisposable
{
    private const string LossTable = "table inet loss { chain lost { type filter hook forward priority 0; numgen random mod 5 == 0 drop; }; }";
    private const string LiarTable = "table inet liar { chain names { type nat hook prerouting priority dstnat; iifname \"segment\" meta l4proto { tcp, udp } th dport 53 redirect; }; }";

    private readonly string _resolverFile = $"/etc/netns/{network.Client.Namespace}/resolv.conf";
    private readonly List<Fault> _on = [];
    private readonly List<Peer> _liars = [];
    private string _resolvers = "";

    /// <summary>The exit's proxy.</summary>
    public Command Proxy { get; private set; } = Servers.Microsocks(network.Exit);

    /// <summary>Strikes.</summary>
    public void Begin(Fault fault, RunningTunnel tunnel)
    {
        _on.Add(fault);
        switch (fault)
        {
            case Fault.EngineKilled:
                LabNetwork.System($"kill -9 {tunnel.Engine}");
                break;
            case Fault.HelperKilled:
                LabNetwork.System($"kill -9 {tunnel.Helper}");
                break;
            case Fault.BothKilled:
                LabNetwork.System($"kill -9 {tunnel.Engine} {tunnel.Helper}");
                break;
            case Fault.ExitAway:
                Proxy.Dispose();
                break;
            case Fault.LinkFlaps:
                Client("link set eth0 down", "link set eth0 up", "link set eth0 down");
                break;
            case Fault.AddressChanges:
                Client($"addr del {network.Client.V4}/24 dev eth0", "addr add 192.0.2.12/24 dev eth0");
                Route("replace default via 192.0.2.1 dev eth0");
                break;
            case Fault.RouteChanges:
                Route(random.Next(2) == 0 ? "del default" : "replace default via 192.0.2.20 dev eth0");
                break;
            case Fault.EngineStopped:
                LabNetwork.System($"kill -STOP {tunnel.Engine} 2>/dev/null || ! kill -0 {tunnel.Engine} 2>/dev/null"); // may have been killed before
                break;
            case Fault.Loss:
                Router($"'{LossTable}'");
                break;
            case Fault.NamesPoisoned:
                Poison();
                break;
        }
    }

    /// <summary>How long a fault stays, at the least and at the most, in seconds.</summary>
    public TimeSpan Duration(Fault fault) => fault switch
    {
        Fault.EngineStopped => TimeSpan.FromSeconds(random.Next(2) == 0 ? 20 : 3),
        Fault.Loss => TimeSpan.FromSeconds(5),
        Fault.ExitAway => TimeSpan.FromSeconds(5 * random.NextDouble()),
        _ => TimeSpan.FromSeconds(1.5 * random.NextDouble()),
    };

    /// <summary>Makes good again. What died stays dead.</summary>
    public void End(Fault fault, RunningTunnel tunnel)
    {
        _on.Remove(fault);
        switch (fault)
        {
            case Fault.ExitAway:
                Proxy = Servers.Microsocks(network.Exit);
                break;
            case Fault.LinkFlaps or Fault.AddressChanges or Fault.RouteChanges:
                RestoreNetwork();
                break;
            case Fault.EngineStopped:
                LabNetwork.System($"kill -CONT {tunnel.Engine} 2>/dev/null || true"); // may have been killed meanwhile
                break;
            case Fault.Loss:
                Router("delete table inet loss");
                break;
            case Fault.NamesPoisoned:
                EndPoison();
                break;
        }
    }

    /// <summary>Waits for as long as chance says: that things happen at any moment is what the rounds are for.</summary>
    public static void Pass(TimeSpan time) => Thread.Sleep(time);

    /// <summary>Ends what a round that failed half-way left on.</summary>
    public void Dispose()
    {
        foreach (Fault fault in _on.Where(static fault => fault is not (Fault.EngineStopped or Fault.ExitAway)).ToList())
        {
            End(fault, null!);
        }

        Proxy.Dispose();
    }

    private void Client(params string[] lines) => LabNetwork.System(string.Join(" && ", lines.Select(line => $"ip -n {network.Client.Namespace} {line}")));

    /// <summary>Changes the default route, unless the link is down, and the route gone with it.</summary>
    private void Route(string change)
    {
        if (!_on.Contains(Fault.LinkFlaps))
        {
            Client($"route {change}");
        }
    }

    private void Router(string command) => LabNetwork.System($"ip netns exec {network.Router.Namespace} nft {command}");

    private void RestoreNetwork()
    {
        // First, since the addresses of a network go with its first one.
        LabNetwork.System($"ip -n {network.Client.Namespace} addr del 192.0.2.12/24 dev eth0 2>/dev/null || true");
        Client(
            "link set eth0 up",
            $"addr replace {network.Client.V4}/24 dev eth0",
            "route replace default via 192.0.2.1 dev eth0",
            $"addr replace {network.Client.V6}/64 dev eth0 nodad",
            "-6 route replace default via 2001:db8:1::1 dev eth0");
    }

    /// <summary>Whoever on the client's segment asks for a name is told that it is the neighbour, where somebody waits for those who believe it.</summary>
    private void Poison()
    {
        DnsZone lies = DnsZone.Lying(network.Lan);
        foreach (Host host in (Host[])[network.Router, network.Lan])
        {
            _liars.Add(Peer.Udp(host, 53, query => lies.Answer(query.Span, stream: false)));
            _liars.Add(Peer.Tcp(host, 53, Services.Dns(lies)));
        }

        _liars.AddRange(((int[])[80, 443, 1080]).Select(port => Peer.Tcp(network.Lan, port, static (stream, stop) => stream.WriteAsync(Encoding.ASCII.GetBytes("liar\n"), stop).AsTask())));
        Router($"'{LiarTable}'");
        _resolvers = File.ReadAllText(_resolverFile);
        File.WriteAllText(_resolverFile, $"nameserver {network.Lan.V4}\n" + _resolvers);
    }

    private void EndPoison()
    {
        File.WriteAllText(_resolverFile, _resolvers);
        Router("delete table inet liar");
        int reached = _liars.Sum(static liar => liar.Accepted);
        _liars.ForEach(static liar => liar.Dispose());
        _liars.Clear();
        if (reached > 0)
        {
            throw new LeakException($"The liar of the neighbourhood was asked or connected to {reached} times.");
        }
    }
}
