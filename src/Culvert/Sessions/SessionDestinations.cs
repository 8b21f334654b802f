using System.Text;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Core.Session;
using Culvert.Flows;

namespace Culvert.Sessions;

/// <summary>Destinations of flows as VSHP writes them, and back.</summary>
internal static class SessionDestinations
{
    private const int MaxText = 255;

    /// <summary>As it is said on the wire.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.NameNotFound"/>: the name is longer than any host's.</exception>
    public static VshpDestination ToWire(this Destination destination)
    {
        if (destination.Address is { } address)
        {
            return VshpDestination.To(IpAddr.From(address), destination.Port);
        }

        string name = destination.Host;
        return IsText(name) ? VshpDestination.ToName(name, destination.Port) : throw new CulvertException(FailureKind.NameNotFound, $"'{name}' cannot be a host's name.");
    }

    /// <summary>A Unix socket at the other side.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.HostUnreachable"/>: the path is longer than any.</exception>
    public static VshpDestination ToWire(string path) =>
        IsText(path) ? VshpDestination.ToPath(path) : throw new CulvertException(FailureKind.HostUnreachable, $"'{path}' cannot be the path of a Unix socket.");

    /// <summary>What was meant; false for a Unix socket, which is no host.</summary>
    public static bool TryRead(in VshpDestination wire, out Destination destination)
    {
        destination = wire.Kind switch
        {
            DestinationKind.V4 or DestinationKind.V6 => new Destination(wire.Address.ToIPAddress(), wire.Port),
            DestinationKind.Name => new Destination(wire.Text!, wire.Port),
            _ => default,
        };
        return wire.Kind != DestinationKind.Path;
    }

    private static bool IsText(string text) => text.Length > 0 && !text.Contains('\0') && Encoding.UTF8.GetByteCount(text) <= MaxText;
}
