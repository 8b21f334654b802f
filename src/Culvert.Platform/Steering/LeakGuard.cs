using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Culvert.Platform.Channel;

namespace Culvert.Platform.Steering;

/// <summary>
/// The text of the nftables table that lets nothing leave except through the link, to the exit, and where the state allows it. What it refuses is refused at
/// once. Numbers, addresses and a name of our own making are all that is put into it.
/// </summary>
/// <param name="state">What is wanted.</param>
/// <param name="place">The machine.</param>
/// <param name="neighbours">The networks of the neighbourhood.</param>
/// <param name="captive">How long everything still goes outside; the kernel ends it, whoever is alive then.</param>
internal sealed class LeakGuard(TunnelState state, Place place, IReadOnlyList<IPNetwork> neighbours, TimeSpan captive)
{
    private static readonly string Reply = $"ct direction reply ct mark & {Hex(Slot.StrayMark)} == 0";
    private static readonly string Served = $"ct direction original ct mark & {Hex(Slot.ServedMark)} != 0";
    private static readonly string SetReplyMark = $"meta mark set meta mark | {Hex(Slot.ReplyMark)}";

    /// <summary>The command that makes the table.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"table inet {place.Link} {{\n{(state.KillSwitch ? "" : " flags owner\n")}");
        Sets(text);
        Tracking(text);
        Hooks(text);
        Guard(text, "guard", "goto refused");
        Chain(text, "refused", null, "meta l4proto tcp reject with tcp reset", "reject with icmpx admin-prohibited");
        return text.Append("}\n").ToString();
    }

    private void Sets(StringBuilder text)
    {
        NetworkSet(text, "neighbours", state.Lan ? neighbours : []);
        NetworkSet(text, "inside", state.Inside.Where(static network => network.PrefixLength > 0));
        NetworkSet(text, "outside", state.Outside.Where(static bypass => bypass.Protocol == 0 && bypass.Destination.PrefixLength > 0).Select(static bypass => bypass.Destination));
        PortSet(text, "listening", place.Busy.Listening);
        PortSet(text, "asking", place.Busy.Asking);
        if (captive > TimeSpan.Zero)
        {
            long seconds = (long)Math.Ceiling(captive.TotalSeconds);
            text.Append(CultureInfo.InvariantCulture, $" set captive {{\n  type nf_proto\n  flags timeout\n  elements = {{ ipv4 timeout {seconds}s, ipv6 timeout {seconds}s }}\n }}\n");
        }
    }

    /// <summary>Who began a connection, and from that which way its packets take.</summary>
    private void Tracking(StringBuilder text)
    {
        Chain(text, "newcomers", null,
            $"tcp flags & (syn | ack) != syn tcp dport != @listening ct mark set ct mark | {Hex(Slot.StrayMark)}",
            $"udp dport @asking ct mark set ct mark | {Hex(Slot.StrayMark)}");
        Chain(text, "arriving", "type filter hook prerouting priority mangle; policy accept;",
            $"iifname \"{place.Link}\" return",
            "iifname \"lo\" return",
            "ct state new goto newcomers",
            $"{Reply} {SetReplyMark}");
        List<string> leaving =
        [
            "oifname \"lo\" return",
            $"ct state new ct direction original tcp flags & (syn | ack) != syn tcp sport @listening ct mark set ct mark | {Hex(Slot.ServedMark)}",
            $"{Reply} {SetReplyMark}",
            $"{Served} {SetReplyMark}",
        ];
        if (state.Group is { } group)
        {
            leaving.Add($"meta mark & {Hex(Slot.ReplyMark)} == 0 meta skgid {group} meta mark set meta mark & {Hex(~Slot.GroupMask)} | {Hex(place.Slot.GroupMark)}");
        }

        Chain(text, "leaving", "type route hook output priority mangle; policy accept;", [.. leaving]);
    }

    private void Hooks(StringBuilder text)
    {
        // Two comparisons: a set of both costs twice as much, and every packet comes by here.
        string[] own = [$"oifname \"{place.Link}\" accept", "oifname \"lo\" accept"];
        string scope = state switch
        {
            { User: { } user } => $"meta skuid {user} goto guard",
            { Group: { } group } => $"meta skgid {group} goto guard",
            _ => "goto guard",
        };
        if (state.Group is null)
        {
            Chain(text, "sent", "type filter hook output priority filter; policy accept;", [.. own, scope]);
        }
        else
        {
            // Led into the link by a mark from "leaving": this hook still sees the interface from before, and the last one where it really goes.
            string marked = $"meta mark & {Hex(Slot.GroupMask)} == {Hex(place.Slot.GroupMark)}";
            Chain(text, "sent", "type filter hook output priority filter; policy accept;", [.. own, $"{marked} accept", scope]);
            Guard(text, "last", "drop");
            Chain(text, "gone", "type filter hook postrouting priority filter; policy accept;", [.. own, $"{marked} goto last"]);
        }

        if (state.User is null && state.Group is null)
        {
            Chain(text, "forwarded", "type filter hook forward priority filter; policy accept;", $"oifname \"{place.Link}\" accept", $"iifname \"{place.Link}\" accept", "goto guard");
        }
    }

    /// <summary>What may leave outside; the rest of what belongs inside gets the <paramref name="verdict"/>.</summary>
    private void Guard(StringBuilder text, string chain, string verdict)
    {
        // First what each packet to the exit comes by; then refusals of ours to programs whose link has just gone (a reset's destination is then no longer this
        // machine): they would tell the neighbourhood who was spoken to.
        List<string> lines = [$"ct direction original ct mark & {Hex(Slot.EngineMark)} != 0 accept", .. state.Addresses.Select(static own => $"{(own.Address.AddressFamily == AddressFamily.InterNetwork ? "ip" : "ip6")} daddr {own.Address} drop")];
        if (captive > TimeSpan.Zero)
        {
            lines.Add("meta nfproto @captive accept");
        }

        lines.AddRange(
        [
            $"{Reply} accept",
            $"{Served} accept",
            "udp sport 68 udp dport 67 accept",
            "udp sport 546 udp dport 547 accept",
            "icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld-listener-done, mld2-listener-report } accept",
        ]);
        lines.AddRange(state.EngineOutside.Select(bypass =>
            $"meta skuid {state.Engine} meta priority 0:{TunnelState.EnginePriority} {Match(bypass)} ct mark set ct mark | {Hex(Slot.EngineMark)} accept"));
        lines.AddRange(state.Outside.Where(static bypass => bypass.Port != 0).Select(static bypass => $"{Match(bypass)} accept"));
        if (state.CaptureDns)
        {
            lines.Add($"meta l4proto {{ tcp, udp }} th dport {{ 53, 853 }} {verdict}");
        }

        lines.AddRange(state.Outside.Where(static bypass => bypass.Port == 0 && (bypass.Protocol != 0 || bypass.Destination.PrefixLength == 0)).Select(static bypass => $"{Match(bypass)} accept"));
        lines.AddRange(["ip daddr @outside4 accept", "ip6 daddr @outside6 accept", "ip daddr @neighbours4 accept", "ip6 daddr @neighbours6 accept"]);
        lines.AddRange(state.Inside.Where(network => network.PrefixLength == 0).Select(network =>
            $"meta nfproto {(network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? "ipv4" : "ipv6")} {verdict}"));
        lines.AddRange([$"ip daddr @inside4 {verdict}", $"ip6 daddr @inside6 {verdict}"]);
        Chain(text, chain, null, [.. lines]);
    }

    private static string Hex(uint mark) => $"0x{mark:x8}";

    private static string Match(Bypass bypass)
    {
        bool v4 = bypass.Destination.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        string match = bypass.Destination.PrefixLength == 0 ? $"meta nfproto {(v4 ? "ipv4" : "ipv6")}" : $"{(v4 ? "ip" : "ip6")} daddr {bypass.Destination}";
        string protocol = bypass.Protocol == Bypass.Tcp ? "tcp" : "udp";
        return (bypass.Protocol, bypass.Port) switch
        {
            (0, _) => match,
            (_, 0) => $"{match} meta l4proto {protocol}",
            _ => $"{match} {protocol} dport {bypass.Port}",
        };
    }

    private static void NetworkSet(StringBuilder text, string name, IEnumerable<IPNetwork> networks)
    {
        foreach ((AddressFamily family, string number, string type) in new[] { (AddressFamily.InterNetwork, "4", "ipv4_addr"), (AddressFamily.InterNetworkV6, "6", "ipv6_addr") })
        {
            Set(text, name + number, $"type {type}\n  flags interval\n  auto-merge", networks.Where(network => network.BaseAddress.AddressFamily == family).Select(static network => network.ToString()));
        }
    }

    private static void PortSet(StringBuilder text, string name, IEnumerable<ushort> ports) =>
        Set(text, name, "type inet_service", ports.Select(static port => port.ToString(CultureInfo.InvariantCulture)));

    private static void Set(StringBuilder text, string name, string type, IEnumerable<string> elements)
    {
        string list = string.Join(", ", elements.Distinct().Order(StringComparer.Ordinal));
        text.Append(CultureInfo.InvariantCulture, $" set {name} {{\n  {type}\n{(list.Length == 0 ? "" : $"  elements = {{ {list} }}\n")} }}\n");
    }

    private static void Chain(StringBuilder text, string name, string? hook, params string[] rules)
    {
        text.Append(CultureInfo.InvariantCulture, $" chain {name} {{\n");
        foreach (string line in hook is null ? rules : [hook, .. rules])
        {
            text.Append("  ").Append(line).Append('\n');
        }

        text.Append(" }\n");
    }
}
