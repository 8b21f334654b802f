using Culvert.Core.Proxy;

namespace Culvert.Flows.Socks;

/// <summary>Destinations as SOCKS writes them, and back.</summary>
internal static class SocksAddresses
{
    /// <summary>The destination on the wire.</summary>
    public static SocksAddress ToSocks(this Destination destination) => new(destination.Name, destination.Address, destination.Port);

    /// <summary>The destination that was on the wire; a name that is an address in text becomes that address.</summary>
    public static Destination ToDestination(this SocksAddress address) =>
        address.Address is not null ? new Destination(address.Address, address.Port) : new Destination(address.Name!, address.Port);
}
