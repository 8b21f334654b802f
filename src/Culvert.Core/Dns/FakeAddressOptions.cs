using System.Net;

namespace Culvert.Core.Dns;

/// <summary>Where fake addresses come from and how many there are. Checked when a <see cref="FakeAddressTable"/> is made.</summary>
public sealed record FakeAddressOptions
{
    /// <summary>Most names that have an address at a time; a further one takes the place of the name used the longest ago.</summary>
    public int Capacity { get; init; } = 65_536;

    /// <summary>How long after its last use a name keeps its addresses at least, in microseconds; far above <see cref="Ttl"/>, since applications keep addresses too long.</summary>
    public long MinimumAge { get; init; } = 10 * 60 * 1_000_000L;

    /// <summary>How long a client may keep a fake address, in seconds.</summary>
    public uint Ttl { get; init; } = 30;

    /// <summary>How many addresses at the start of each block are never given to a name.</summary>
    public int Reserved { get; init; } = TunnelAddresses.Reserved;

    /// <summary>The block of IPv4 addresses.</summary>
    public IPNetwork BlockV4 { get; init; } = TunnelAddresses.BlockV4;

    /// <summary>The block of IPv6 addresses.</summary>
    public IPNetwork BlockV6 { get; init; } = TunnelAddresses.BlockV6;
}
