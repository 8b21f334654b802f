using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using Culvert.Core;

namespace Culvert.Entries;

/// <summary>Makes sockets that listen, with errors that say what stands in the way.</summary>
internal static class ListenSockets
{
    /// <summary>Listens on a TCP endpoint; port 0 takes a free one. <c>::</c> takes IPv4 as well.</summary>
    public static Socket Tcp(IPEndPoint endpoint, int backlog)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = endpoint.Address.Equals(IPAddress.IPv6Any);
            }

            socket.Bind(endpoint);
            socket.Listen(backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            throw e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => new CulvertException(
                    FailureKind.Configuration, $"Cannot listen on {endpoint}: {PortOwner.Describe(endpoint.Port)} Stop it, or choose another port.", e),
                SocketError.AccessDenied => new CulvertException(
                    FailureKind.Privilege, $"Cannot listen on {endpoint}: the system does not let this user. Choose a port above 1023.", e),
                SocketError.AddressNotAvailable => new CulvertException(
                    FailureKind.Configuration, $"Cannot listen on {endpoint}: this machine has no such address. Choose one of its own.", e),
                SocketError.AddressFamilyNotSupported => new CulvertException(
                    FailureKind.Configuration, $"Cannot listen on {endpoint}: this system has no IPv6. Choose an IPv4 address.", e),
                _ => new CulvertException(FailureKind.Configuration, $"Cannot listen on {endpoint}: {e.SocketErrorCode}.", e),
            };
        }
    }

    /// <summary>
    /// Listens on a Unix socket that only this user may connect to. A socket left behind by a dead program is replaced; anything else at that path is
    /// left alone. Whoever listens removes the file in the end.
    /// </summary>
    public static Socket Unix(string path, int backlog)
    {
        UnixDomainSocketEndPoint endpoint;
        try
        {
            endpoint = new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException e)
        {
            throw new CulvertException(FailureKind.Usage, $"'{path}' is too long for a Unix socket. Choose a shorter path (at most 107 bytes).", e);
        }

        RemoveDead(path, endpoint);
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(endpoint);
            try
            {
                // Before listening: until then nobody can connect, whatever the umask.
                if (!OperatingSystem.IsWindows())
                {
                    File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                }

                socket.Listen(backlog);
            }
            catch
            {
                File.Delete(path);
                throw;
            }

            return socket;
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new CulvertException(
                FailureKind.Configuration,
                $"Cannot listen on {path}: {(e is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } ? "there is a file of that name" : e.Message)}. Choose another path.",
                e);
        }
    }

    private static void RemoveDead(string path, UnixDomainSocketEndPoint endpoint)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(endpoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && IsSocket(path))
        {
            File.Delete(path); // its program is gone: only such a socket refuses
            return;
        }
        catch (SocketException)
        {
            return; // not ours to judge; bind says what is wrong
        }

        throw new CulvertException(FailureKind.Configuration, $"Cannot listen on {path}: another program listens there. Stop it, or choose another path.");
    }

    // Connecting to a plain file is refused too, and the framework has no word for sockets: but those cannot be opened (ENXIO).
    private static bool IsSocket(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
