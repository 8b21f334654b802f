using System.Net;

namespace Culvert.Platform.Channel;

/// <summary>A destination that is reached outside the tunnel: an exit, an excluded network, the resolver that knows the exit's name.</summary>
/// <param name="Destination">The addresses; a single one has all bits in its prefix.</param>
/// <param name="Protocol">The IP protocol, 6 for TCP or 17 for UDP; 0 for all of them.</param>
/// <param name="Port">The far port; 0 for all of them. A port needs one of the two protocols.</param>
public readonly record struct Bypass(IPNetwork Destination, byte Protocol = 0, ushort Port = 0)
{
    /// <summary>TCP as <see cref="Protocol"/>.</summary>
    public const byte Tcp = 6;

    /// <summary>UDP as <see cref="Protocol"/>.</summary>
    public const byte Udp = 17;

    /// <summary>Every destination: what the direct exit needs for the engine's own sockets.</summary>
    public static readonly Bypass[] Everywhere = [new(new IPNetwork(IPAddress.Any, 0)), new(new IPNetwork(IPAddress.IPv6Any, 0))];

    /// <summary>One address, and what is asked of it there.</summary>
    public static Bypass To(IPAddress address, byte protocol = 0, int port = 0) =>
        new(new IPNetwork(address, address.GetAddressBytes().Length * 8), protocol, (ushort)port);
}
