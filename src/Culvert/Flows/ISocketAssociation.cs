using System;
using System.Net.Sockets;
using System.Threading.Tasks;
using Culvert.Core.Packets;

namespace Culvert.Flows;

/// <summary>
/// An association whose datagrams go over one UDP socket of this machine, so that a link's loop can drive the socket itself: it gives the socket
/// away, and says how its datagrams are written. For use from one thread then.
/// </summary>
internal interface ISocketAssociation : IAssociation
{
    /// <summary>
    /// Gives the socket up to the caller, who disposes of it; null when it has none. Nothing is received through the association from now on; <see cref="IAssociation.SendAsync"/>
    /// goes on working until the socket is closed.
    /// </summary>
    Socket? Detach();

    /// <summary>Completes when the association is over: by itself, or because it was disposed of.</summary>
    Task Over { get; }

    /// <summary>
    /// Where on the socket a datagram for <paramref name="destination"/> goes, and what stands in front of its payload: <paramref name="headLength"/> bytes of <paramref name="head"/>,
    /// which has room for any. False when that is not known without waiting, or there is no way: then <see cref="IAssociation.SendAsync"/> knows more.
    /// </summary>
    bool TryAddress(Destination destination, Span<byte> head, out IpEndpoint to, out int headLength);

    /// <summary>Whom a datagram that came from <paramref name="sender"/> is from, and where its payload begins; false for one that says nothing to us.</summary>
    bool TryReadHead(IpEndpoint sender, ReadOnlySpan<byte> datagram, out DatagramSource source);
}

/// <summary>Who sent a datagram.</summary>
/// <param name="From">By address; only the port is set where the far side told a name.</param>
/// <param name="Name">The name it was sent to, where that is known.</param>
/// <param name="Head">Bytes in front of the payload.</param>
internal readonly record struct DatagramSource(IpEndpoint From, string? Name, int Head);
