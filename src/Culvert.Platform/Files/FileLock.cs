using System;
using Culvert.Core;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Files;

/// <summary>Holds a file's lock (flock(2)) against other processes and other holders in this one; the kernel lets go of it at any death.</summary>
public sealed class FileLock : IDisposable
{
    private const uint OwnersOnly = 0x180; // rw-------

    private readonly SafeFileHandle _handle;

    /// <summary>Takes the lock of <paramref name="path"/>, making the file where there is none; waits for whoever has it.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: the file cannot be opened or locked.</exception>
    public FileLock(string path)
    {
        _handle = Descriptors.Own(Libc.open(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_CLOEXEC, OwnersOnly), $"{path} cannot be opened");
        while (Libc.flock(_handle, Libc.LOCK_EX) < 0)
        {
            if (Errno.Last != Errno.EINTR)
            {
                CulvertException failure = Descriptors.Failure($"{path} cannot be locked");
                _handle.Dispose();
                throw failure;
            }
        }
    }

    /// <summary>Lets go of it. The file stays: removing it would let two holders have different ones.</summary>
    public void Dispose() => _handle.Dispose();
}
