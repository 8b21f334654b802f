using System.Runtime.InteropServices;

namespace Culvert.Platform.Interop;

internal static unsafe partial class Libc
{
    public const int SOL_IP = 0;
    public const int SOL_UDP = 17;
    public const int SOL_IPV6 = 41;
    public const int IP_RECVERR = 11;
    public const int IPV6_RECVERR = 25;
    public const int UDP_SEGMENT = 103;
    public const int UDP_GRO = 104;
    public const int MSG_ERRQUEUE = 0x2000;
    public const byte SO_EE_ORIGIN_ICMP = 2;
    public const byte SO_EE_ORIGIN_ICMP6 = 3;

    [LibraryImport(Library, SetLastError = true)]
    public static partial int sendmmsg(SafeHandle socket, MultiMessage* messages, uint count, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int recvmmsg(SafeHandle socket, MultiMessage* messages, uint count, int flags, TimeSpec* timeout);

    /// <summary><c>struct mmsghdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MultiMessage
    {
        public MessageHeader Header;

        /// <summary>Bytes of this message that were sent or received.</summary>
        public uint Length;
    }

    /// <summary><c>struct cmsghdr</c>, behind which its data stand.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ControlHeader
    {
        /// <summary>With the header; the next one begins at the next multiple of 8.</summary>
        public nuint Length;
        public int Level;
        public int Type;
    }

    /// <summary>A whole control message that says how long the datagrams in a message are (UDP_SEGMENT: 16 bits; UDP_GRO: 32).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SegmentControl
    {
        public ControlHeader Header;
        public int Size;
        public int Padding;
    }

    /// <summary><c>struct sock_extended_err</c> (linux/errqueue.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ExtendedError
    {
        public uint Number;
        public byte Origin;
        public byte Type;
        public byte Code;
        public byte Padding;
        public uint Info;
        public uint Data;
    }

    /// <summary><c>struct sockaddr_in6</c>, which has room for <c>struct sockaddr_in</c> as well.</summary>
    [StructLayout(LayoutKind.Sequential, Size = SizeV6)]
    public struct SocketName
    {
        public const int SizeV4 = 16;
        public const int SizeV6 = 28;

        public fixed byte Bytes[SizeV6];
    }
}
