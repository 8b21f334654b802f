using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Culvert.Discovery;
using Culvert.Tests.Lab;
using Culvert.Tests.Lab.Peers;
using Xunit;

namespace Culvert.Tests.EndToEnd.Gateway;

/// <summary>Gateways tell the link of themselves and find each other, and Avahi sees and is seen.</summary>
public sealed class DiscoveryTests : LabTest
{
    private const string Browse = "avahi-browse --parsable --resolve --terminate _culvert._tcp";

    private readonly List<string> _said = [];

    public DiscoveryTests(LabFixture fixture)
        : base(fixture) =>
        Only("multicast DNS", static packet => packet is { Protocol: 17, Port: 5353, Destination: { } to } && (to.IsIPv6Multicast || to.GetAddressBytes()[0] is >= 224 and < 240));

    [LabFact("avahi-daemon", "avahi-browse", "dbus-daemon")]
    public async Task AvahiSeesAGatewayComeAndGo()
    {
        StartAvahi();
        await using (GatewayBeacon beacon = Tell("Anna's PC", 7443))
        {
            Until.True(() => Seen().Count(static s => s.Contains("=;eth0;IPv4;Anna\\039s\\032PC;_culvert._tcp;local;culvert-", StringComparison.Ordinal)) == 1, "Avahi to see the gateway");
            string seen = Seen().First(static s => s.StartsWith("=;eth0;IPv4", StringComparison.Ordinal));
            Assert.EndsWith($";{Network.Client.V4};7443;\"v=1\"", seen, StringComparison.Ordinal);
            Assert.DoesNotContain(Environment.MachineName, seen, StringComparison.Ordinal);
            Assert.Contains(Seen(), static s => s.StartsWith("=;eth0;IPv6;Anna", StringComparison.Ordinal));
        }

        Until.True(() => !Seen().Any(static s => s.Contains("Anna", StringComparison.Ordinal)), "Avahi to see the gateway gone");
        Assert.Empty(_said);
    }

    [LabFact("avahi-daemon", "avahi-publish", "dbus-daemon")]
    public async Task AGatewayOfAvahiIsFoundAndGoes()
    {
        StartAvahi();
        await using GatewaySearch search = Network.Client.Enter(() => new GatewaySearch(_said.Add));
        using (Command published = Network.Lan.Start(["avahi-publish", "-s", "Küche (oben)", "_culvert._tcp", "7000", "v=1"]))
        {
            Until.True(() => search.Found.Any(static g => g.Endpoints.Count > 1), "the gateway to be found");
            FoundGateway found = Assert.Single(search.Found);
            Assert.Equal("Küche (oben)", found.Name);
            Assert.Contains(new IPEndPoint(Network.Lan.V4, 7000), found.Endpoints);
            Assert.All(found.Endpoints, static e => Assert.True(!e.Address.IsIPv6LinkLocal || e.Address.ScopeId > 0));
        }

        Until.True(() => search.Found.Count == 0, "the gateway to be gone");
        Assert.Empty(_said);
    }

    [LabFact("avahi-daemon", "avahi-publish", "dbus-daemon")]
    public async Task ANameThatAvahiHasIsNotTaken()
    {
        StartAvahi();
        using Command published = Network.Lan.Start(["avahi-publish", "-s", "home", "_culvert._tcp", "7000"]);
        published.WaitFor("Established");
        await using GatewayBeacon beacon = Tell("home", 7443);
        Until.True(() => Seen().Any(static s => s.Contains("home\\032\\0402\\041", StringComparison.Ordinal)), "the gateway to take another name");
        await using GatewaySearch search = Network.Client.Enter(() => new GatewaySearch(_said.Add));
        Until.True(() => search.Found.Count == 2, "both to be found, our own included");
        Assert.Equal(["home", "home (2)"], search.Found.Select(static g => g.Name));
    }

    [LabFact("avahi-daemon", "avahi-publish", "dbus-daemon")]
    public async Task ANameThatWeHaveAvahiDoesNotTake()
    {
        StartAvahi();
        await using GatewayBeacon beacon = Tell("home", 7443);
        Until.True(() => beacon.IsTold, "the gateway to be told of");
        using Command published = Network.Lan.Start(["avahi-publish", "-s", "home", "_culvert._tcp", "7000"]);
        published.WaitFor("Established");
        Until.True(() => Seen().Any(static s => s.StartsWith("=;eth0;IPv4;home;", StringComparison.Ordinal) && s.Contains(";7443;", StringComparison.Ordinal)), "our name to be ours");
        Assert.Contains(Seen(), static s => s.Contains("home\\032\\0352", StringComparison.Ordinal) && s.Contains(";7000;", StringComparison.Ordinal)); // "home #2"
    }

    private void StartAvahi()
    {
        Own(new OwnSystem(Network, Network.Lan));
        Own(new Avahi(Network.Lan));
    }

    private GatewayBeacon Tell(string name, ushort port) => Network.Client.Enter(() => new GatewayBeacon(name, port, _said.Add));

    private string[] Seen() => Network.Lan.Shell(Browse).Ok().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
