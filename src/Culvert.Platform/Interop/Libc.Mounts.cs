using System.Runtime.InteropServices;

namespace Culvert.Platform.Interop;

internal static unsafe partial class Libc
{
    public const nuint MS_NOSUID = 2;
    public const nuint MS_NODEV = 4;
    public const nuint MS_NOEXEC = 8;
    public const nuint MS_BIND = 4096;
    public const nuint MS_REC = 16384;
    public const nuint MS_PRIVATE = 1 << 18;
    public const int MNT_DETACH = 2;

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int umount2(string target, int flags);

    /// <summary>The path without links, written to <paramref name="resolved"/> (4,096 bytes); null when it does not exist.</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial byte* realpath(string path, byte* resolved);
}
