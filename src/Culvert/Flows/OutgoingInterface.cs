using System;
using System.Net.Sockets;
using System.Text;
using Culvert.Core;

namespace Culvert.Flows;

/// <summary>
/// The interface that sockets of the engine leave by while a tunnel takes everything else: they are bound to it (SO_BINDTODEVICE, socket(7); without
/// privileges since Linux 5.7), so that the tunnel never carries itself. Follows the machine's default route; sockets opened before a change keep theirs.
/// </summary>
public sealed class OutgoingInterface
{
    private const int SolSocket = 1;
    private const int BindToDevice = 25;
    private const int SocketPriority = 12;
    private volatile string? _name;

    /// <summary>Begins with the interface <paramref name="name"/>; null while the machine has no way out.</summary>
    /// <param name="name">The interface.</param>
    /// <param name="priority">The priority by which the leak guard knows sockets of the engine (SO_PRIORITY).</param>
    public OutgoingInterface(string? name, int priority)
    {
        _name = name;
        Priority = priority;
    }

    /// <summary>The interface's name; null while the machine has no way out. Set by whoever watches the routes, from any thread.</summary>
    public string? Name
    {
        get => _name;
        set => _name = value;
    }

    /// <summary>The priority of sockets that leave by it (SO_PRIORITY).</summary>
    public int Priority { get; }

    /// <summary>The interface as it is now.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.NetworkUnreachable"/>: there is no way out now.</exception>
    public string RequireName() =>
        _name ?? throw new CulvertException(FailureKind.NetworkUnreachable, "This machine has no network now (no default route).");

    /// <summary>Binds <paramref name="socket"/>, which has not been bound or connected, to the interface as it is now.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.NetworkUnreachable"/>: there is no way out now.</exception>
    public void Bind(Socket socket)
    {
        string name = RequireName();
        try
        {
            socket.SetRawSocketOption(SolSocket, BindToDevice, Encoding.UTF8.GetBytes(name));
            socket.SetRawSocketOption(SolSocket, SocketPriority, BitConverter.GetBytes(Priority));
        }
        catch (SocketException e)
        {
            throw new CulvertException(FailureKind.NetworkUnreachable, $"A socket could not be bound to the interface {name}: {e.Message}", e);
        }
    }
}
