using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Exits;
using Culvert.Flows;

namespace Culvert.Gateway;

/// <summary>
/// Turns what a device asks for into addresses that it may reach, once; those are what is dialled. The name is not looked up a second time, so that its answer
/// cannot become another one between the check and the dial (DNS rebinding).
/// </summary>
/// <param name="policy">The policy as it is now.</param>
/// <param name="lookup">How names are resolved.</param>
/// <param name="limit">How long that may take.</param>
internal sealed class PolicyLookup(Func<Policy> policy, AddressLookup lookup, TimeSpan limit)
{
    /// <summary>The policy as it is now.</summary>
    public Policy Policy => policy();

    /// <summary>The addresses of <paramref name="destination"/> that are allowed, at least one.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Prohibited"/>: none is allowed; <see cref="FailureKind.NameNotFound"/>: there is none.</exception>
    public async ValueTask<IReadOnlyList<IPAddress>> FindAsync(Destination destination, PolicyProtocol protocol, CancellationToken cancellation)
    {
        if (destination.Address is { } address)
        {
            Policy.Require(null, IpAddr.From(address), destination.Port, protocol);
            return [address];
        }

        string name = destination.Host;
        if (!HostNames.IsValid(name))
        {
            throw new CulvertException(FailureKind.NameNotFound, $"'{name}' cannot be a host's name.");
        }

        IPAddress[] found = await Deadline.RunAsync(limit, $"Looking up {name}", token => LookUpAsync(name, token), cancellation);
        Policy now = Policy;
        List<IPAddress> allowed = new(found.Length);
        string? why = null;
        foreach (IPAddress each in found)
        {
            string? refusal = now.WhyNot(name, IpAddr.From(each), destination.Port, protocol);
            why ??= refusal;
            if (refusal is null)
            {
                allowed.Add(each);
            }
        }

        return allowed.Count > 0 ? allowed : throw Policy.Refused(name, why ?? "it has no address");
    }

    private async ValueTask<IPAddress[]> LookUpAsync(string name, CancellationToken cancellation)
    {
        try
        {
            IPAddress[] found = await lookup(name, cancellation).ConfigureAwait(false);
            return found.Length > 0 ? found : throw new CulvertException(FailureKind.NameNotFound, $"The name {name} has no address.");
        }
        catch (SocketException e)
        {
            throw new CulvertException(FailureKind.NameNotFound, $"The name {name} could not be resolved.", e);
        }
        catch (ArgumentException e)
        {
            // The framework has it for odd spellings of the unspecified address.
            throw new CulvertException(FailureKind.NameNotFound, $"'{name}' cannot be a host's name.", e);
        }
    }
}
