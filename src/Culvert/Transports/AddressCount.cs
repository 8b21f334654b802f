using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using Culvert.Core.Packets;

namespace Culvert.Transports;

/// <summary>Counts what is under way (handshakes, connections), as a whole and for each address; an IPv6 /64 is one, since it is one customer.</summary>
/// <param name="total">So many at a time.</param>
/// <param name="perAddress">So many of one address.</param>
internal sealed class AddressCount(int total, int perAddress)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, int> _byAddress = [];
    private int _total;

    /// <summary>Those under way now.</summary>
    public int Total
    {
        get
        {
            lock (_lock)
            {
                return _total;
            }
        }
    }

    /// <summary>Begins one; false when a limit is reached. <paramref name="from"/> is null where there are no addresses: then the whole counts alone.</summary>
    public bool TryBegin(IPAddress? from)
    {
        lock (_lock)
        {
            int others = 0;
            if (_total >= total || (from is not null && (others = _byAddress.GetValueOrDefault(Key(from))) >= perAddress))
            {
                return false;
            }

            _total++;
            if (from is not null)
            {
                _byAddress[Key(from)] = others + 1;
            }

            return true;
        }
    }

    /// <summary>Ends one that began.</summary>
    public void End(IPAddress? from)
    {
        lock (_lock)
        {
            _total--;
            if (from is not null && --_byAddress[Key(from)] == 0)
            {
                _byAddress.Remove(Key(from));
            }
        }
    }

    private static UInt128 Key(IPAddress address)
    {
        IpAddr value = IpAddr.From(address);
        return value.IsV4 ? value.Bits : value.Bits >> 64 << 64;
    }
}
