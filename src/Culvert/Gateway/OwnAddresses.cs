using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Net.NetworkInformation;
using Culvert.Core.Packets;
using Culvert.Platform.Network;

namespace Culvert.Gateway;

/// <summary>The addresses of this machine's interfaces, read again whenever the machine's network changes.</summary>
internal sealed class OwnAddresses : IDisposable
{
    private readonly Func<IEnumerable<IpAddr>> _read;
    private readonly NetworkMonitor? _monitor;
    private volatile FrozenSet<IpAddr> _addresses;

    /// <summary>Reads them, and follows the machine's network from now on.</summary>
    /// <exception cref="Core.CulvertException">The system does not tell of changes: <see cref="Core.FailureKind.Configuration"/>.</exception>
    public OwnAddresses()
    {
        _read = OfInterfaces;
        _addresses = FrozenSet<IpAddr>.Empty;
        _monitor = new NetworkMonitor(Refresh);
        Refresh(); // behind the start of the monitor, so that no change is lost between
    }

    /// <summary>Addresses that <paramref name="read"/> gives, asked again by <see cref="Refresh"/> only.</summary>
    internal OwnAddresses(Func<IEnumerable<IpAddr>> read)
    {
        _read = read;
        _addresses = _read().ToFrozenSet();
    }

    /// <summary>Whether <paramref name="address"/> is one of them.</summary>
    public bool Contains(IpAddr address) => _addresses.Contains(address);

    /// <summary>Reads them again.</summary>
    public void Refresh() => _addresses = _read().ToFrozenSet();

    /// <inheritdoc/>
    public void Dispose() => _monitor?.Dispose();

    private static List<IpAddr> OfInterfaces()
    {
        List<IpAddr> addresses = [];
        foreach (NetworkInterface each in NetworkInterface.GetAllNetworkInterfaces())
        {
            foreach (UnicastIPAddressInformation information in each.GetIPProperties().UnicastAddresses)
            {
                addresses.Add(IpAddr.From(information.Address));
            }
        }

        return addresses;
    }
}
