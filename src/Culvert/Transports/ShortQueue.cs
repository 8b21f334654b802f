using System;
using System.Buffers.Binary;
using System.Net.Sockets;
using Culvert.Flows;

namespace Culvert.Transports;

/// <summary>
/// Keeps short what waits in the system to be sent: what is behind it cannot pass it any more, and a session decides late whose turn it is.
/// </summary>
internal static class ShortQueue
{
    /// <summary>Bytes that TCP takes before it has sent what it took before.</summary>
    public const int Size = 128 << 10;

    private const int Tcp = 6;

    /// <summary>Does so where the connection is a TCP socket of this machine, and the system has a word for it (TCP_NOTSENT_LOWAT).</summary>
    public static void Keep(IConnection connection)
    {
        int option = OperatingSystem.IsLinux() ? 25 : OperatingSystem.IsMacOS() ? 0x201 : 0;
        if (option != 0 && connection is SocketConnection { Socket: { AddressFamily: not AddressFamily.Unix } socket })
        {
            Span<byte> value = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(value, Size);
            try
            {
                socket.SetRawSocketOption(Tcp, option, value);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It is over already: whoever uses it next is told.
            }
        }
    }
}
