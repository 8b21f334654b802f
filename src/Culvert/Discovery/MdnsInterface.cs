using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Culvert.Discovery;

/// <summary>An interface that multicast DNS is spoken on.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Index">Its number.</param>
/// <param name="Addresses">Its addresses.</param>
internal sealed record MdnsInterface(string Name, int Index, IReadOnlyList<IPAddress> Addresses)
{
    /// <summary>Whether it has an IPv4 address.</summary>
    public bool HasV4 => Addresses.Any(static a => a.AddressFamily == AddressFamily.InterNetwork);

    /// <summary>Whether it has an IPv6 address.</summary>
    public bool HasV6 => Addresses.Any(static a => a.AddressFamily == AddressFamily.InterNetworkV6);

    /// <summary>Those that are there now: up, with an address, and a link that others are on (no loopback, no tunnel).</summary>
    public static IReadOnlyList<MdnsInterface> Find()
    {
        List<MdnsInterface> found = [];
        foreach (NetworkInterface each in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (each.OperationalStatus != OperationalStatus.Up || !each.SupportsMulticast
                || each.NetworkInterfaceType is NetworkInterfaceType.Loopback or NetworkInterfaceType.Tunnel or NetworkInterfaceType.Ppp or NetworkInterfaceType.Unknown)
            {
                continue;
            }

            IPInterfaceProperties properties = each.GetIPProperties();
            IPAddress[] addresses = [.. properties.UnicastAddresses.Select(static a => a.Address)];
            int index = IndexOf(properties);
            if (addresses.Length > 0 && index > 0)
            {
                found.Add(new MdnsInterface(each.Name, index, addresses));
            }
        }

        return found;
    }

    /// <summary>Whether both are the same interface with the same families.</summary>
    public bool IsLike(MdnsInterface other) => Name == other.Name && Index == other.Index && HasV4 == other.HasV4 && HasV6 == other.HasV6;

    private static int IndexOf(IPInterfaceProperties properties)
    {
        try
        {
            return properties.GetIPv4Properties()?.Index ?? 0;
        }
        catch (NetworkInformationException)
        {
            return 0; // it has just gone
        }
    }
}
