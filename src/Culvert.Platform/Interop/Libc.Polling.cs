using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Interop;

internal static unsafe partial class Libc
{
    public const short POLLIN = 1;
    public const int EFD_CLOEXEC = O_CLOEXEC;
    public const int EFD_NONBLOCK = O_NONBLOCK;

    public const int IN_CLOEXEC = O_CLOEXEC;
    public const int IN_NONBLOCK = O_NONBLOCK;
    public const uint IN_MOVED_TO = 0x80;
    public const uint IN_CREATE = 0x100;

    [LibraryImport(Library, SetLastError = true)]
    public static partial int inotify_init1(int flags);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int inotify_add_watch(SafeFileHandle fd, string path, uint events);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int ppoll(PollDescriptor* descriptors, nuint count, TimeSpec* timeout, void* signalMask);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int eventfd(uint initial, int flags);

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    /// <summary><c>struct timespec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
