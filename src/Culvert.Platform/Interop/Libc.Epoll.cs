using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Interop;

internal static unsafe partial class Libc
{
    public const int EPOLL_CLOEXEC = O_CLOEXEC;
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const uint EPOLLIN = 1;
    public const uint EPOLLOUT = 4;
    public const uint EPOLLERR = 8;
    public const uint EPOLLHUP = 0x10;
    public const uint EPOLLRDHUP = 0x2000;
    public const uint EPOLLET = 1u << 31;

    // The one number for all architectures of the generic table; x64 has the same for calls this young.
    private const int SYS_epoll_pwait2 = 441;

    [LibraryImport(Library, SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int epoll_ctl(SafeFileHandle epoll, int operation, SafeHandle descriptor, byte* change);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int epoll_wait(SafeFileHandle epoll, byte* events, int count, int milliseconds);

    /// <summary>epoll_pwait2 (Linux 5.11), which not every C library declares; the last two are the signal mask and its size.</summary>
    public static int epoll_pwait2(SafeFileHandle epoll, byte* events, int count, TimeSpec* timeout) =>
        (int)syscall(SYS_epoll_pwait2, epoll, events, count, timeout, null, 0);

    [LibraryImport(Library, SetLastError = true)]
    private static partial nint syscall(nint number, SafeFileHandle epoll, byte* events, nint count, TimeSpec* timeout, void* signalMask, nuint size);

    /// <summary><c>struct epoll_event</c>, which is packed on x64 and aligned elsewhere.</summary>
    public static class EpollEvent
    {
        public static readonly int Size = DataOffset + sizeof(ulong);

        private static int DataOffset => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

        public static uint Events(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

        public static ulong Data(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[DataOffset..]);

        public static void Write(Span<byte> bytes, uint events, ulong data)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, events);
            BinaryPrimitives.WriteUInt64LittleEndian(bytes[DataOffset..], data);
        }
    }
}
