using System;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Culvert.Core.Mdns;
using Culvert.Platform;

namespace Culvert.Discovery;

/// <summary>
/// Tells the machine's links that there is a gateway: what it is called, its port and its addresses there, and the version of what it speaks. Nothing of its key, its devices or the machine's own name.
/// </summary>
internal sealed class GatewayBeacon : IAsyncDisposable
{
    /// <summary>The TXT record: the version of VSHP.</summary>
    public const string Version = "v=1";

    private readonly MdnsLinks<MdnsResponder> _links;

    /// <summary>Begins to tell.</summary>
    /// <param name="name">What people call the gateway: 1 to 63 bytes of UTF-8.</param>
    /// <param name="port">Where it listens.</param>
    /// <param name="say">Told where it cannot be told of.</param>
    public GatewayBeacon(string name, ushort port, Action<string> say)
    {
        // The same everywhere, so that two cards on one network say the same; and another each time, so that it tells nothing.
        string host = $"culvert-{SystemRandom.Next():x16}.local";
        _links = new MdnsLinks<MdnsResponder>(
            each => new MdnsResponder(name, host, port, [Version], [.. each.Addresses.Select(Plain)], SystemRandom.Next()),
            static (responder, each, now) => responder.SetAddresses([.. each.Addresses.Select(Plain)], now),
            say);
    }

    /// <summary>Whether all links have been told.</summary>
    public bool IsTold => _links.Ask(static r => r.IsTold) is { Count: > 0 } told && told.All(static t => t);

    /// <summary>Says that the gateway is gone, and ends.</summary>
    public ValueTask DisposeAsync() => _links.DisposeAsync();

    // Without the zone, which means something here only.
    private static IPAddress Plain(IPAddress address) => new(address.GetAddressBytes());
}
