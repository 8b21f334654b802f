using System.Runtime.InteropServices;

namespace Culvert.Platform.Interop;

/// <summary>What watching the network and the clocks takes (recv(2), clock_gettime(2)).</summary>
internal static unsafe partial class Libc
{
    public const int MSG_DONTWAIT = 0x40;
    public const int CLOCK_MONOTONIC = 1;
    public const int CLOCK_BOOTTIME = 7;

    [LibraryImport(Library, SetLastError = true)]
    public static partial int clock_gettime(int clock, TimeSpec* time);
}
