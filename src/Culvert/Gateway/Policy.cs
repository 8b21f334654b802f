using System;
using System.Collections.Generic;
using Culvert.Core;
using Culvert.Core.Packets;

namespace Culvert.Gateway;

/// <summary>
/// What devices may reach: rules, of which the first that speaks of a destination decides, and behind them what a gateway never gives away by itself
/// (<see cref="ClosedRanges"/>, and its own addresses). Immutable but for the own addresses, which are asked each time.
/// </summary>
/// <param name="rules">The rules in their order: a device's own before the gateway's.</param>
/// <param name="isOwn">Whether an address is the gateway's own now.</param>
internal sealed class Policy(IReadOnlyList<PolicyRule> rules, Func<IpAddr, bool> isOwn)
{
    /// <summary>Decides about <paramref name="address"/>, which is to be dialled.</summary>
    /// <param name="name">The name that it was asked for by, which led to this address; null when it was asked for as an address.</param>
    /// <param name="address">The address.</param>
    /// <param name="port">The port; of no meaning to ping.</param>
    /// <param name="protocol"><see cref="PolicyProtocol.Any"/> asks whether any port and protocol is allowed.</param>
    /// <returns>Null when it is allowed, else why not: the second half of a sentence.</returns>
    public string? WhyNot(string? name, IpAddr address, ushort port, PolicyProtocol protocol)
    {
        bool isClosed = TryFindClosed(address, out ClosedRange closed);
        foreach (PolicyRule rule in rules)
        {
            if (!rule.Covers(protocol, port) || !rule.Names(name, address))
            {
                continue;
            }

            if (rule.Allows)
            {
                if (!isClosed || rule.Opens(closed.Range))
                {
                    return null;
                }
            }
            else if (protocol != PolicyProtocol.Any || (rule.Protocol == PolicyProtocol.Any && !rule.HasPorts))
            {
                return $"the rule '{rule.Text}' forbids it";
            }
        }

        return isClosed ? closed.Why : null;
    }

    /// <summary>Fails when <see cref="WhyNot"/> has a reason.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Prohibited"/>.</exception>
    public void Require(string? name, IpAddr address, ushort port, PolicyProtocol protocol)
    {
        if (WhyNot(name, address, port, protocol) is { } why)
        {
            throw Refused(name ?? address.ToString(), why);
        }
    }

    /// <summary>The failure that a device hears about <paramref name="host"/>.</summary>
    public static CulvertException Refused(string host, string why) => new(FailureKind.Prohibited, $"The gateway lets nobody reach {host}: {why}.");

    private bool TryFindClosed(IpAddr address, out ClosedRange closed)
    {
        if (isOwn(address))
        {
            closed = new ClosedRange(AddressRange.Of(address), "it is the gateway's own address");
            return true;
        }

        if (ClosedRanges.TryFind(address, out closed))
        {
            return true;
        }

        Span<IpAddr> embedded = stackalloc IpAddr[2];
        int count = ClosedRanges.Embedded(address, embedded);
        foreach (IpAddr inner in embedded[..count])
        {
            if (isOwn(inner) || ClosedRanges.TryFind(inner, out closed))
            {
                // Opened only by naming this very address.
                closed = new ClosedRange(AddressRange.Of(address), closed.Why is null ? "it leads to the gateway's own address" : $"it leads to {inner}, and {closed.Why}");
                return true;
            }
        }

        return false;
    }
}
