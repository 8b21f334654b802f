using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
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

    /// <summary>Sockets of this process of an address family and a protocol, for those that a library has made. Not owned.</summary>
    public static unsafe List<int> Sockets(int family, int protocol)
    {
        int Option(SafeFileHandle socket, int option)
        {
            int value;
            uint length = sizeof(int);
            return Libc.getsockopt(socket, Libc.SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
        }

        List<int> found = [];
        foreach (string file in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            int descriptor = int.Parse(Path.GetFileName(file.AsSpan()), CultureInfo.InvariantCulture);
            using SafeFileHandle socket = new(descriptor, ownsHandle: false);
            if (Option(socket, Libc.SO_DOMAIN) == family && Option(socket, Libc.SO_PROTOCOL) == protocol)
            {
                found.Add(descriptor);
            }
        }

        return found;
    }

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
