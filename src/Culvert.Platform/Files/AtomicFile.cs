using System;
using System.IO;
using Culvert.Core;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Files;

/// <summary>
/// Writes small files so that whoever reads them sees the old content or the new one, whole, whenever this process or the machine dies. One writer at a time: see
/// <see cref="FileLock"/>.
/// </summary>
public static class AtomicFile
{
    /// <summary>What the name of the file that is being written ends with; left behind by a death, it means nothing and is written over.</summary>
    public const string Unfinished = ".unfinished";

    /// <summary>
    /// Replaces the content of <paramref name="path"/>, readable and writable by its owner only, and returns when it is on the disk.
    /// </summary>
    /// <param name="path">The file; its directory exists.</param>
    /// <param name="content">All of it.</param>
    /// <param name="before">Called before each step, for tests that end there.</param>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: it cannot be written (no room, no permission); the old content is still there.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, Action<AtomicStep>? before = null)
    {
        string unfinished = path + Unfinished;
        try
        {
            before?.Invoke(AtomicStep.Create);
            File.Delete(unfinished);
            FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (FileStream file = new(unfinished, options))
            {
                before?.Invoke(AtomicStep.Fill);
                file.Write(content);
                before?.Invoke(AtomicStep.Flush);
                file.Flush(flushToDisk: true);
            }

            before?.Invoke(AtomicStep.Replace);
            File.Move(unfinished, path, overwrite: true);
            before?.Invoke(AtomicStep.FlushDirectory);
            FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(unfinished);
            throw new CulvertException(FailureKind.Configuration, $"{path} cannot be written: {e.Message} It is as it was before.", e);
        }
    }

    // A new name is on the disk when its directory is.
    private static void FlushDirectory(string path)
    {
        using SafeFileHandle directory = Descriptors.Own(Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0), $"{path} cannot be opened");
        if (Libc.fsync(directory) < 0)
        {
            throw Descriptors.Failure($"{path} cannot be flushed to the disk");
        }
    }
}

/// <summary>The steps of <see cref="AtomicFile.Write"/>.</summary>
public enum AtomicStep
{
    /// <summary>Making the file that is to replace the old one.</summary>
    Create,

    /// <summary>Writing into it.</summary>
    Fill,

    /// <summary>Having it on the disk.</summary>
    Flush,

    /// <summary>Giving it the name.</summary>
    Replace,

    /// <summary>Having the name on the disk.</summary>
    FlushDirectory,
}
