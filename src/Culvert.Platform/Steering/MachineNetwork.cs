using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Culvert.Platform.Netlink;
using Culvert.Platform.Undo;

namespace Culvert.Platform.Steering;

/// <summary>
/// The machine's network as one tunnel has changed it. It knows what is there of its own, so that a plan is reached from wherever it stands, half-way included;
/// and notes in the journal, before it is made, what would not go with the link.
/// </summary>
internal sealed class MachineNetwork(string link, uint index, Slot slot, Journal journal, Firewall firewall) : IDisposable
{
    private readonly Rtnetlink _network = new();
    private readonly List<LinkAddress> _addresses = [];
    private readonly List<TableRoute> _routes = [];
    private readonly List<PolicyRule> _rules = [];
    private readonly bool _v6 = File.Exists($"/proc/sys/net/ipv6/conf/{link}/disable_ipv6") && File.ReadAllText($"/proc/sys/net/ipv6/conf/{link}/disable_ipv6").Trim() == "0";
    private readonly ResolvedLink _resolved = new(link);
    private IReadOnlyList<IPAddress> _resolvers = [];
    private BusyPorts? _busy;
    private string _guard = "";

    /// <summary>The machine as it is now, for a plan.</summary>
    /// <exception cref="CulvertException">LimitReached when it has too many routes.</exception>
    public Place Place => new(link, index, slot, _v6) { Neighbours = Neighbours(), Busy = _busy ??= BusyPorts.Read() };

    /// <summary>
    /// Makes it like the plan: the guard first, so that from the first moment nothing leaves that should not, then the ways round the tunnel before the way into it.
    /// </summary>
    /// <returns>A sentence for each thing that this machine lacks.</returns>
    /// <exception cref="CulvertException">The kernel refused; what was made until then stays, and is known.</exception>
    public List<string> Reach(NetworkPlan plan)
    {
        List<string> notes = [];
        Guard(plan);
        if (ReversePath.Needed() is { } step)
        {
            journal.Begin(step);
            ReversePath.Loosen();
        }

        Change(_addresses, plan.Addresses, address => _network.AddAddress(index, address), address => _network.RemoveAddress(index, address));
        Change(_routes, plan.Routes, _network.AddRoute, _network.RemoveRoute);
        Change(_rules, plan.Rules, Add, Remove);
        if (!_resolvers.SequenceEqual(plan.Resolvers))
        {
            _resolvers = plan.Resolvers;
            if (_resolved.Set(plan.Resolvers) is { } note)
            {
                notes.Add(note);
            }
        }

        if (!_v6 && plan.Addresses.Count == 1)
        {
            notes.Add("This machine's kernel has IPv6 switched off, so the tunnel carries none.");
        }

        return notes;
    }

    /// <summary>Sees to it that the machine's resolver still asks the link; what went wrong, in a sentence, or null.</summary>
    public string? FollowResolver() => _resolvers.Count > 0 ? _resolved.Follow(_resolvers) : null;

    /// <summary>
    /// Gives back everything; of a guard that stays, only with <paramref name="kill"/>. Returns a sentence for each thing that could not be.
    /// </summary>
    public List<string> GiveBack(bool kill)
    {
        using Undoing undoing = new();
        bool stays = !kill && journal.Live.Contains(GuardStep);
        List<string> problems = undoing.UndoAll(journal, step => !kill && step == GuardStep);
        _rules.Clear();
        if (!stays && _guard.Length > 0)
        {
            firewall.Remove(link);
            _guard = "";
        }

        if (_resolvers.Count > 0 && Libc.if_nametoindex(link) == index && _resolved.Set([]) is { } problem)
        {
            problems.Add(problem);
        }

        return problems;
    }

    /// <summary>Back to where nothing but the link is, after a first plan that failed.</summary>
    public List<string> Reset()
    {
        List<string> problems = GiveBack(kill: true);
        journal.Begin(slot.Step);
        journal.Begin(slot.NamesStep);
        _routes.Clear();
        try
        {
            Change(_addresses, [], static _ => { }, address => _network.RemoveAddress(index, address));
        }
        catch (CulvertException failure)
        {
            problems.Add(failure.Message);
        }

        return problems;
    }

    public void Dispose() => _network.Dispose();

    private static bool HasV6 => File.Exists("/proc/net/if_inet6");

    private UndoStep GuardStep => new(UndoKind.Firewall, link);

    private void Guard(NetworkPlan plan)
    {
        if (plan.Guard == _guard)
        {
            return;
        }

        bool noted = journal.Live.Contains(GuardStep);
        if (plan.GuardStays && !noted)
        {
            journal.Begin(GuardStep);
        }

        firewall.Run((firewall.Has(link) ? Firewall.Deletion(link) : "") + plan.Guard);
        _guard = plan.Guard;
        if (!plan.GuardStays && noted)
        {
            journal.Done(GuardStep);
        }
    }

    private void Add(PolicyRule rule)
    {
        journal.Begin(Step(rule));
        _network.AddRule(rule);
    }

    private void Remove(PolicyRule rule)
    {
        _network.RemoveRule(rule);
        journal.Done(Step(rule));
    }

    private static UndoStep Step(PolicyRule rule) => new(UndoKind.Rule, rule.ToString());

    /// <summary>Adds what is missing, in order, then removes what is too much, the last first.</summary>
    private static void Change<T>(List<T> has, IReadOnlyList<T> wanted, Action<T> add, Action<T> remove)
        where T : struct
    {
        foreach (T one in wanted.Except(has).ToList())
        {
            has.Add(one); // before it is there: taking away what is not there does no harm
            add(one);
        }

        foreach (T one in has.Except(wanted).Reverse().ToList())
        {
            remove(one);
            has.Remove(one);
        }
    }

    private List<IPNetwork> Neighbours()
    {
        List<IPNetwork> networks = [];
        foreach (AddressFamily family in HasV6 ? (AddressFamily[])[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6] : [AddressFamily.InterNetwork])
        {
            networks.AddRange(_network.Routes(family, Rtnetlink.MainTable, ours: false).Where(route => route.Interface != index && NetworkPlan.IsNeighbour(route.Destination)).Select(static route => route.Destination));
        }

        return networks;
    }
}
