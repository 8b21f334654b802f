using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Culvert.Pairing;

/// <summary>Where others may reach what listens here.</summary>
internal static class ReachableAddresses
{
    // More make the QR code larger, and a device tries no more anyway.
    private const int Most = 4;

    /// <summary>Addresses with ports for <paramref name="listening"/>, <c>host:port</c> each: for those that listen on all addresses this machine's own, IPv4 first; none that mean something only here.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyList<IPEndPoint> listening) => Of(listening, [.. OfMachine()]);

    /// <summary>The same for a machine with these addresses.</summary>
    internal static IReadOnlyList<string> Of(IReadOnlyList<IPEndPoint> listening, IReadOnlyList<IPAddress> machine) =>
    [
        .. listening.SelectMany(place => Addresses(place.Address, machine).Select(address => new IPEndPoint(address, place.Port)))
            .Where(static e => !IPAddress.IsLoopback(e.Address) && !e.Address.IsIPv6LinkLocal && !(e.Address.AddressFamily == AddressFamily.InterNetwork && e.Address.GetAddressBytes() is [169, 254, ..]))
            .Select(static e => e.ToString())
            .Distinct()
            .Take(Most),
    ];

    private static IEnumerable<IPAddress> Addresses(IPAddress address, IReadOnlyList<IPAddress> machine) =>
        address.Equals(IPAddress.IPv6Any) ? machine.OrderBy(static a => a.AddressFamily != AddressFamily.InterNetwork)
        : address.Equals(IPAddress.Any) ? machine.Where(static a => a.AddressFamily == AddressFamily.InterNetwork)
        : [address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address];

    private static IEnumerable<IPAddress> OfMachine() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(static each => each.OperationalStatus == OperationalStatus.Up)
        .SelectMany(static each => each.GetIPProperties().UnicastAddresses)
        .Select(static information => information.Address);
}
