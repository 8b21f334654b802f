using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Culvert.Core;
using Culvert.Core.Packets;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Links;

/// <summary>
/// A UDP socket driven by the loop of a link: many datagrams a call, by <see cref="DatagramReceiver"/> and <see cref="DatagramSender"/>, and errors that the
/// network has told for some of them.
/// </summary>
public sealed unsafe class LinkDatagramSocket : WatchedSocket, IDisposable
{
    private readonly Socket _socket;
    private readonly SafeSocketHandle _handle;

    /// <summary>Takes <paramref name="socket"/> over: of IPv4, or of IPv6 with IPv4 mapped into it.</summary>
    public LinkDatagramSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _socket = socket;
        _handle = socket.SafeHandle;
        IsV4 = socket.AddressFamily == AddressFamily.InterNetwork;

        // Each is for speed or for telling more; a kernel without one does without.
        Ask(Libc.SOL_UDP, Libc.UDP_GRO);
        Ask(Libc.SOL_IP, Libc.IP_RECVERR);
        if (!IsV4)
        {
            Ask(Libc.SOL_IPV6, Libc.IPV6_RECVERR);
        }
    }

    /// <summary>A send would have blocked: watching from now on tells also when there is room. (Else it would tell of every datagram that has left.)</summary>
    public bool AwaitsRoom { get; set; }

    /// <summary>Datagrams of so many bytes or more are not left to the system to cut from one message; what it has refused once teaches it.</summary>
    public int MaxSegment { get; set; } = int.MaxValue;

    internal bool IsV4 { get; }

    internal override SafeHandle Handle => _handle;

    internal override uint Interest => Libc.EPOLLIN | Libc.EPOLLET | (AwaitsRoom ? Libc.EPOLLOUT : 0);

    /// <summary>
    /// The next of the errors that wait: where the datagram had gone, and what the network said of it (null for what an application need not know). False
    /// when there are no more; they do not come up in sending or receiving then.
    /// </summary>
    public bool TryReadError(out IpEndpoint destination, out FailureKind? kind)
    {
        destination = default;
        kind = null;
        const int ControlSize = 256;
        byte* control = stackalloc byte[ControlSize];
        Libc.SocketName name;
        Libc.MessageHeader message = new() { Name = &name, NameLength = Libc.SocketName.SizeV6, Control = control, ControlLength = ControlSize };
        if (Libc.recvmsg(_handle, &message, Libc.MSG_ERRQUEUE | Libc.MSG_DONTWAIT) < 0)
        {
            return false;
        }

        destination = SocketNames.Read(&name);
        byte* end = control + message.ControlLength;
        while (end - control >= sizeof(Libc.ControlHeader) + sizeof(Libc.ExtendedError))
        {
            Libc.ControlHeader* header = (Libc.ControlHeader*)control;
            if (header->Type is Libc.IP_RECVERR or Libc.IPV6_RECVERR)
            {
                Libc.ExtendedError* error = (Libc.ExtendedError*)(header + 1);
                kind = error->Origin is Libc.SO_EE_ORIGIN_ICMP or Libc.SO_EE_ORIGIN_ICMP6 ? Kind(error->Number) : null;
                break;
            }

            control += (header->Length + 7) & ~(nuint)7;
        }

        return true;
    }

    /// <summary>Closes it.</summary>
    public void Dispose() => _socket.Dispose();

    private static FailureKind? Kind(uint error) => (int)error switch
    {
        Errno.ECONNREFUSED => FailureKind.Refused,
        Errno.EHOSTUNREACH => FailureKind.HostUnreachable,
        Errno.ENETUNREACH => FailureKind.NetworkUnreachable,
        _ => null,
    };

    private void Ask(int level, int option)
    {
        int on = 1;
        _ = Libc.setsockopt(_handle, level, option, &on, sizeof(int));
    }
}
