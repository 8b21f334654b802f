using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Flows;

namespace Culvert.Gateway;

/// <summary>
/// A UDP association each of whose datagrams passes the policy as it is when the datagram is sent. What comes back from an address that a name led to is said to
/// come from that name, as the direct exit does.
/// </summary>
internal sealed class PolicyAssociation(IAssociation inner, PolicyLookup lookup) : IAssociation
{
    /// <summary>Names an association remembers the addresses of; when there are more, all are looked up again.</summary>
    public const int MaxNames = 256;

    private readonly ConcurrentDictionary<Destination, Destination> _resolved = new();
    private readonly ConcurrentDictionary<Destination, Destination> _names = new();

    /// <inheritdoc/>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, Destination destination, CancellationToken cancellation = default)
    {
        Destination known = destination;
        if (destination.Name is not null && !_resolved.TryGetValue(destination, out known))
        {
            return ResolveAndSendAsync(payload, destination, cancellation);
        }

        try
        {
            lookup.Policy.Require(destination.Name, IpAddr.From(known.Address!), known.Port, PolicyProtocol.Udp);
        }
        catch (CulvertException e)
        {
            return ValueTask.FromException(e);
        }

        return inner.SendAsync(payload, known, cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<ReceivedDatagram> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellation = default)
    {
        ReceivedDatagram datagram = await inner.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
        return _names.IsEmpty || !_names.TryGetValue(datagram.From, out Destination named) ? datagram : datagram with { From = named };
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask ResolveAndSendAsync(ReadOnlyMemory<byte> payload, Destination named, CancellationToken cancellation)
    {
        IReadOnlyList<IPAddress> addresses = await lookup.FindAsync(named, PolicyProtocol.Udp, cancellation).ConfigureAwait(false);
        IPAddress address = addresses[0];
        foreach (IPAddress each in addresses)
        {
            // No race is run for datagrams: IPv4 is what reaches further where both exist and only one answers.
            if (each.AddressFamily == AddressFamily.InterNetwork)
            {
                address = each;
                break;
            }
        }

        Destination known = new(address, named.Port);
        if (_resolved.Count >= MaxNames)
        {
            _resolved.Clear();
            _names.Clear();
        }

        _resolved[named] = known;
        _names[known] = named;
        await inner.SendAsync(payload, known, cancellation).ConfigureAwait(false);
    }
}
