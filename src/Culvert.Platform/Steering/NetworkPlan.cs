using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using Culvert.Platform.Channel;
using Culvert.Platform.Netlink;

namespace Culvert.Platform.Steering;

/// <summary>
/// What a <see cref="TunnelState"/> comes to on one machine: routes, policy rules and the leak guard's text. A function of its arguments and nothing else.
/// </summary>
internal sealed record NetworkPlan
{
    // A machine's network may be as wide as 10.0.0.0/8 or fc00::/7; what is wider is a default route in parts (0.0.0.0/1, 2000::/3), as other tunnels make it.
    private const int WidestV4 = 7;
    private const int WidestV6 = 6;

    private static readonly IPNetwork[] GroupAddresses = [new(IPAddress.Parse("224.0.0.0"), 4), new(IPAddress.Broadcast, 32)];

    /// <summary>The link's addresses.</summary>
    public IReadOnlyList<LinkAddress> Addresses { get; init; } = [];

    /// <summary>Routes of the tunnel's tables.</summary>
    public IReadOnlyList<TableRoute> Routes { get; init; } = [];

    /// <summary>Policy rules, in the order of their priorities.</summary>
    public IReadOnlyList<PolicyRule> Rules { get; init; } = [];

    /// <summary>The leak guard, as nftables is told.</summary>
    public string Guard { get; init; } = "";

    /// <summary>The leak guard outlives the helper.</summary>
    public bool GuardStays { get; init; }

    /// <summary>The resolvers for systemd-resolved to ask on the link.</summary>
    public IReadOnlyList<IPAddress> Resolvers { get; init; } = [];

    /// <summary>The plan for a state; <paramref name="captive"/> is how long everything still goes outside.</summary>
    public static NetworkPlan For(TunnelState state, Place place, TimeSpan captive)
    {
        bool open = captive > TimeSpan.Zero;
        List<TableRoute> routes = [];
        List<PolicyRule> rules = [];
        foreach (AddressFamily family in place.V6 ? (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6] : [AddressFamily.InterNetwork])
        {
            bool v4 = family == AddressFamily.InterNetwork;
            uint priority = place.Slot.Priority;
            PolicyRule Rule(uint table) => new(family, priority++, table);
            if (v4 || state.Ipv6)
            {
                IPNetwork[] outside = [.. Of(family, state.Outside.Where(static bypass => bypass.Protocol == 0).Select(static bypass => bypass.Destination))];
                routes.AddRange(outside.Select(network => new TableRoute(place.Slot.Table, network, 0)));
                routes.AddRange(Of(family, state.Inside).Except(outside).Select(network => new TableRoute(place.Slot.Table, network, place.Interface)));
            }

            routes.Add(new TableRoute(place.Slot.NamesTable, new IPNetwork(v4 ? IPAddress.Any : IPAddress.IPv6Any, 0), place.Interface));

            // What the link gives out, and answers to what came in, take the machine's own routes.
            rules.Add(Rule(Rtnetlink.MainTable) with { Incoming = place.Link });
            rules.Add(Rule(Rtnetlink.MainTable) with { Mark = Slot.ReplyMark, MarkMask = Slot.ReplyMark });

            // So does DHCP that speaks to its server directly.
            rules.Add(Rule(Rtnetlink.MainTable) with { Protocol = Bypass.Udp, SourcePort = v4 ? (ushort)68 : (ushort)546, Port = v4 ? (ushort)67 : (ushort)547 });
            uint bypasses = priority++;
            foreach (Bypass bypass in state.Outside.Where(static bypass => bypass.Protocol != 0))
            {
                if (bypass.Destination.BaseAddress.AddressFamily == family)
                {
                    rules.Add(new PolicyRule(family, bypass.Port != 0 ? bypasses : bypasses + 10, Rtnetlink.MainTable)
                    {
                        To = bypass.Destination,
                        Protocol = bypass.Protocol,
                        Port = bypass.Port,
                    });
                }
            }

            priority = bypasses + 1;
            if (state.CaptureDns && !open)
            {
                foreach ((byte protocol, ushort port) in new[] { (Bypass.Udp, (ushort)53), (Bypass.Tcp, (ushort)53), (Bypass.Udp, (ushort)853), (Bypass.Tcp, (ushort)853) })
                {
                    rules.Add(Scoped(state, place, Rule(place.Slot.NamesTable) with { Protocol = protocol, Port = port }));
                }
            }

            priority = bypasses + 11;
            if (state.Lan)
            {
                rules.Add(Rule(Rtnetlink.MainTable) with { SuppressedPrefix = v4 ? WidestV4 : WidestV6 });
                rules.AddRange(Of(family, GroupAddresses).Select(network => Rule(Rtnetlink.MainTable) with { To = network }));
            }

            if ((v4 || state.Ipv6) && !open)
            {
                rules.Add(Scoped(state, place, Rule(place.Slot.Table)));
            }
        }

        return new NetworkPlan
        {
            Addresses = [.. state.Addresses.Where(address => place.V6 || address.Address.AddressFamily == AddressFamily.InterNetwork)],
            Routes = [.. routes.Distinct()],
            Rules = [.. rules.Distinct().OrderBy(static rule => rule.Priority)],
            Guard = new LeakGuard(state, place, [.. place.Neighbours.Where(IsNeighbour), .. GroupAddresses, new IPNetwork(IPAddress.Parse("ff00::"), 8)], captive).ToString(),
            GuardStays = state.KillSwitch,
            Resolvers = state.CaptureDns && !open ? state.Resolvers : [],
        };
    }

    /// <summary>Whether a route is one of the neighbourhood, not a default route or a part of one.</summary>
    public static bool IsNeighbour(IPNetwork network) => network.PrefixLength > (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? WidestV4 : WidestV6);

    /// <summary>The rule for those only whom the tunnel is for.</summary>
    private static PolicyRule Scoped(TunnelState state, Place place, PolicyRule rule) => state switch
    {
        { User: { } user } => rule with { User = user },
        { Group: not null } => rule with { Mark = place.Slot.GroupMark, MarkMask = Slot.GroupMask },
        _ => rule,
    };

    private static IEnumerable<IPNetwork> Of(AddressFamily family, IEnumerable<IPNetwork> networks) =>
        networks.Where(network => network.BaseAddress.AddressFamily == family);
}
