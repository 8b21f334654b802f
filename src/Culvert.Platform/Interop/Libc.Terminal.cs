using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Interop;

internal static unsafe partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    public static partial int setsid();

    public const int TCSADRAIN = 1;
    public const int TCIFLUSH = 0;

    [LibraryImport(Library, SetLastError = true)]
    public static partial int tcflush(SafeFileHandle terminal, int queue);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int tcgetattr(SafeFileHandle terminal, TerminalModes* modes);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int tcsetattr(SafeFileHandle terminal, int when, TerminalModes* modes);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int tcgetpgrp(SafeFileHandle terminal);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int tcsetpgrp(SafeFileHandle terminal, int group);

    /// <summary><c>struct termios</c>: opaque here, 60 bytes in glibc and musl.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    public struct TerminalModes;
}
