using Culvert.Core;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Interop;

/// <summary>File descriptors as owned handles.</summary>
internal static class Descriptors
{
    /// <summary>Descriptors made for a child get numbers from here on, clear of those a caller's shell hands down (bash uses up to 63).</summary>
    public const int FirstForChild = 200;

    /// <summary>Takes ownership of the descriptor a call returned; when it returned -1, throws with <paramref name="what"/> as the sentence's start.</summary>
    public static SafeFileHandle Own(int descriptor, string what) =>
        descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failure(what);

    /// <summary>The failure of the last call, in a sentence.</summary>
    public static CulvertException Failure(string what, FailureKind kind = FailureKind.Configuration) => new(kind, $"{what}: {Errno.Text(Errno.Last)}.");

    /// <summary>A pipe, both ends closed on exec.</summary>
    public static unsafe (SafeFileHandle Read, SafeFileHandle Write) Pipe()
    {
        int* ends = stackalloc int[2];
        return Libc.pipe2(ends, Libc.O_CLOEXEC) == 0
            ? (new SafeFileHandle(ends[0], true), new SafeFileHandle(ends[1], true))
            : throw Failure("No pipe could be made");
    }

    /// <summary>A second descriptor of the same file with a number from <see cref="FirstForChild"/> on, closed on exec.</summary>
    public static SafeFileHandle DuplicateForChild(int descriptor) =>
        Own(Libc.fcntl(descriptor, Libc.F_DUPFD_CLOEXEC, FirstForChild), "A file descriptor could not be duplicated");
}
