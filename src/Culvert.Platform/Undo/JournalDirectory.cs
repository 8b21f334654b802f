using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Culvert.Core;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Undo;

/// <summary>
/// Where the journals are, held (by its lock) as long as this object lives: journals are taken, replaced and removed by one process at a time. The
/// directory is made when needed and removed when empty.
/// </summary>
internal sealed class JournalDirectory : IDisposable
{
    /// <summary>Where it is on a machine: gone after a reboot, as is everything the journals speak of.</summary>
    public const string Standard = "/run/culvert";

    private readonly string _path;
    private readonly SafeFileHandle _lock;

    /// <exception cref="CulvertException">Privilege or Configuration: it cannot be made or opened.</exception>
    public JournalDirectory(string path)
    {
        _path = path;
        do
        {
            _lock?.Dispose();
            _lock = Open(path);
        }
        while (!IsStill(path, _lock)); // removed by its last user while we waited for the lock
    }

    /// <summary>The links that have a journal.</summary>
    public IEnumerable<string> Links => Directory.EnumerateFiles(_path, "*" + Journal.Extension).Select(static file => Path.GetFileNameWithoutExtension(file)).Order();

    /// <summary>Whether there is a directory at all; without one there are no journals.</summary>
    public static bool Exists(string path) => Directory.Exists(path);

    /// <summary>Whether there are journals: the service's socket lives in the same directory.</summary>
    public static bool HasJournals(string path) => Directory.Exists(path) && Directory.EnumerateFiles(path, "*" + Journal.Extension).Any();

    /// <summary>The journal's file of a link.</summary>
    public string PathOf(string link) => Path.Combine(_path, link + Journal.Extension);

    /// <summary>Steps in journals of others, dead or alive.</summary>
    public IEnumerable<string> LinesOfOthers(string link) => Links.Where(other => other != link).SelectMany(other => Read(PathOf(other)));

    public void Dispose()
    {
        if (Directory.Exists(_path) && !Directory.EnumerateFileSystemEntries(_path).Any())
        {
            Directory.Delete(_path);
        }

        _lock.Dispose();
    }

    /// <summary>Lines of a file that somebody has locked: the framework's own ways to open one would ask for a lock of theirs.</summary>
    internal static string[] Read(string path)
    {
        using FileStream file = new(Descriptors.Own(Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0), $"{path} cannot be opened"), FileAccess.Read);
        using StreamReader reader = new(file);
        return reader.ReadToEnd().Split('\n');
    }

    private static SafeFileHandle Open(string path)
    {
        // Everybody may look what is there; who may read is said by each file.
        if (Libc.mkdir(path, 0x1ED /* rwxr-xr-x */) < 0 && Errno.Last != Errno.EEXIST)
        {
            FailureKind kind = Errno.Last is Errno.EPERM or Errno.EACCES ? FailureKind.Privilege : FailureKind.Configuration;
            throw Descriptors.Failure($"The directory of the journals, {path}, cannot be made", kind);
        }

        SafeFileHandle handle = Descriptors.Own(Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0), $"{path} cannot be opened");
        while (Libc.flock(handle, Libc.LOCK_EX) < 0)
        {
            if (Errno.Last != Errno.EINTR)
            {
                throw Descriptors.Failure($"{path} cannot be locked");
            }
        }

        return handle;
    }

    private static bool IsStill(string path, SafeFileHandle handle) =>
        new FileInfo($"/proc/self/fd/{handle.DangerousGetHandle()}").LinkTarget == Path.GetFullPath(path);
}
