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
    public const nint SYS_mount_setattr = 442; // equal on all architectures; the C library has the function only since 2.36
    public const int AT_FDCWD = -100;
    public const uint AT_RECURSIVE = 0x8000;
    public const ulong MOUNT_ATTR_NOSUID = 2;

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mount(string? source, string target, string? type, nuint flags, string? data);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int umount2(string target, int flags);

    /// <summary>mount_setattr(2), by its number <see cref="SYS_mount_setattr"/>.</summary>
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint mount_setattr(nint number, int directory, string path, uint flags, MountAttributes* attributes, nuint size);

    /// <summary>The path without links, written to <paramref name="resolved"/> (4,096 bytes); null when it does not exist.</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial byte* realpath(string path, byte* resolved);

    /// <summary>struct mount_attr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MountAttributes
    {
        public ulong Set;
        public ulong Clear;
        public ulong Propagation;
        public ulong UserNamespace;
    }
}
