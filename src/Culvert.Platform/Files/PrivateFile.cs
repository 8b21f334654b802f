using System;
using System.IO;
using Culvert.Core;

namespace Culvert.Platform.Files;

/// <summary>Files that are their owner's alone, and the directory they are in.</summary>
public static class PrivateFile
{
    private const UnixFileMode OfOthers = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Makes a directory that only its owner may enter, and those above it, where they are not there.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: it cannot be made.</exception>
    public static void MakeDirectory(string path)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(path);
            }
            else
            {
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CulvertException(FailureKind.Configuration, $"The directory {path} cannot be made: {e.Message}", e);
        }
    }

    /// <summary>Reads a file of at most <paramref name="limit"/> bytes; null when there is none.</summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: it cannot be read, others may read or write it, or it is too large.</exception>
    public static byte[]? Read(string path, int limit)
    {
        try
        {
            FileInfo file = new(path);
            if (!file.Exists)
            {
                return null;
            }

            if (!OperatingSystem.IsWindows() && (file.UnixFileMode & OfOthers) != 0)
            {
                throw new CulvertException(FailureKind.Configuration, $"{path} may be read or written by others, and it is to be its owner's alone: chmod 600 {path}");
            }

            return file.Length <= limit
                ? File.ReadAllBytes(path)
                : throw new CulvertException(FailureKind.Configuration, $"{path} is larger than {limit} bytes; this is not what Culvert wrote.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CulvertException(FailureKind.Configuration, $"{path} cannot be read: {e.Message}", e);
        }
    }
}
