using System;
using Culvert.Core.Packets;

namespace Culvert.Gateway;

/// <summary>
/// One rule of a gateway: <c>allow</c> or <c>deny</c>, and what. It names addresses (<see cref="Range"/>), a host (<see cref="Name"/>), all hosts below a domain
/// (<see cref="Domain"/>), or, with none of them, everything.
/// </summary>
internal sealed record PolicyRule
{
    /// <summary>Whether it allows; else it denies.</summary>
    public required bool Allows { get; init; }

    /// <summary>The addresses it names.</summary>
    public AddressRange? Range { get; init; }

    /// <summary>The host it names, in lower case.</summary>
    public string? Name { get; init; }

    /// <summary>The domain whose hosts it names, in lower case with a dot in front: <c>.example.com</c>.</summary>
    public string? Domain { get; init; }

    /// <summary>Its first port.</summary>
    public ushort FirstPort { get; init; }

    /// <summary>Its last port.</summary>
    public ushort LastPort { get; init; } = ushort.MaxValue;

    /// <summary>The protocol it speaks of.</summary>
    public PolicyProtocol Protocol { get; init; }

    /// <summary>As it was written, with <c>allow</c> or <c>deny</c> in front.</summary>
    public required string Text { get; init; }

    /// <summary>Whether it names ports, and so says nothing about ping.</summary>
    public bool HasPorts => FirstPort > 0 || LastPort < ushort.MaxValue;

    /// <summary>Whether it speaks of this port and protocol; <see cref="PolicyProtocol.Any"/> asks whether it speaks of any.</summary>
    public bool Covers(PolicyProtocol protocol, ushort port) => protocol switch
    {
        PolicyProtocol.Any => true,
        PolicyProtocol.Ping => Protocol is PolicyProtocol.Any or PolicyProtocol.Ping && !HasPorts,
        _ => (Protocol == PolicyProtocol.Any || Protocol == protocol) && port >= FirstPort && port <= LastPort,
    };

    /// <summary>
    /// Whether it speaks of <paramref name="address"/>, which was asked for as <paramref name="name"/> (null: as the address). A deny speaks also of what is embedded in the
    /// address; an allow takes it literally.
    /// </summary>
    public bool Names(string? name, IpAddr address)
    {
        if (Range is { } range)
        {
            return range.Contains(address) || (!Allows && ContainsEmbedded(range, address));
        }

        if (Name is not null)
        {
            return Name.Equals(name, StringComparison.OrdinalIgnoreCase);
        }

        return Domain is null || (name is not null && name.EndsWith(Domain, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>
    /// Whether it opens <paramref name="closed"/>: only by naming addresses in it and none outside. So <c>allow 0.0.0.0/0</c> does not open the gateway's loopback by accident,
    /// nor does a name, whose addresses are chosen by whoever answers for it.
    /// </summary>
    public bool Opens(AddressRange closed) => Range is { } range && closed.Contains(range);

    private static bool ContainsEmbedded(AddressRange range, IpAddr address)
    {
        Span<IpAddr> embedded = stackalloc IpAddr[2];
        int count = ClosedRanges.Embedded(address, embedded);
        foreach (IpAddr inner in embedded[..count])
        {
            if (range.Contains(inner))
            {
                return true;
            }
        }

        return false;
    }
}
