using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Culvert.Core.Mdns;
using Culvert.Platform;

namespace Culvert.Discovery;

/// <summary>Finds the gateways on the machine's links.</summary>
public sealed class GatewaySearch : IAsyncDisposable
{
    private readonly MdnsLinks<Place> _links;

    /// <summary>Begins to look; <paramref name="say"/> is told where that is not possible.</summary>
    public GatewaySearch(Action<string> say) => _links = new MdnsLinks<Place>(static each => new Place(each.Index), static (_, _, _) => { }, say);

    /// <summary>Those that are there now, by name; one that is on several links is one.</summary>
    public IReadOnlyList<FoundGateway> Found =>
    [
        .. _links.Ask(static place => place.Services.Select(s => (s.Name, Endpoints: s.Addresses.Select(a => place.Endpoint(a, s.Port)).ToArray())).ToArray())
            .SelectMany(static found => found)
            .GroupBy(static found => found.Name, static found => found.Endpoints)
            .Select(static group => new FoundGateway(group.Key, [.. group.SelectMany(static e => e).Distinct()]))
            .OrderBy(static found => found.Name, StringComparer.Ordinal),
    ];

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _links.DisposeAsync();

    /// <summary>A browser that knows which interface it looks at.</summary>
    private sealed class Place(int index) : IMdnsParty
    {
        private readonly MdnsBrowser _browser = new(ServiceName.Gateways, SystemRandom.Next());

        public IReadOnlyList<FoundService> Services => _browser.Services;

        public long Deadline => _browser.Deadline;

        public IPEndPoint Endpoint(IPAddress address, ushort port) => new(address.IsIPv6LinkLocal ? new IPAddress(address.GetAddressBytes(), index) : address, port);

        public void Start(long now) => _browser.Start(now);

        public void Receive(MdnsMessage message, bool isLegacy, long now) => _browser.Receive(message, isLegacy, now);

        public void Advance(long now) => _browser.Advance(now);

        public bool TryTake(out MdnsOutgoing outgoing) => _browser.TryTake(out outgoing);

        public void Stop() => _browser.Stop();
    }
}
