using System;
using System.Net.Sockets;
using Culvert.Core;

namespace Culvert.Cli.Control;

/// <summary>
/// Where a running tunnel is spoken to: an abstract Unix socket (unix(7)) named after the link. It belongs to the network namespace, as the link does, and is gone
/// with the process. Both sides look at who the other is.
/// </summary>
internal static class ControlSocket
{
    /// <summary>Longest line either side takes, in bytes.</summary>
    public const int MaxLine = 16 * 1024;

    private const int SolSocket = 1;
    private const int PeerCredentials = 17;

    public static UnixDomainSocketEndPoint For(string link) => new($"\0culvert/{link}");

    /// <summary>The user at the other end (SO_PEERCRED): who connected, or who listens.</summary>
    public static uint PeerOf(Socket socket)
    {
        // struct ucred: process, user, group.
        Span<byte> credentials = stackalloc byte[12];
        try
        {
            socket.GetRawSocketOption(SolSocket, PeerCredentials, credentials);
        }
        catch (SocketException e)
        {
            throw new CulvertException(FailureKind.Privilege, $"The system does not tell who is at the other end: {e.Message}", e);
        }

        return BitConverter.ToUInt32(credentials[4..]);
    }
}
