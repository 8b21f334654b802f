using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Culvert.Core;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Undo;

/// <summary>
/// What has to be undone for one link, in a file that only grows: "+ STEP" before a step is made, "- STEP" after it is undone, each on the disk before
/// the next thing happens. Whoever holds the journal is alive: it is locked, and the kernel unlocks it at any death. A last line without its end was
/// cut off by one, before its step was made.
/// </summary>
internal sealed class Journal : IDisposable
{
    /// <summary>What the file's name ends with.</summary>
    public const string Extension = ".journal";

    /// <summary>A journal that reaches this size in bytes is written anew, with nothing but what is left to undo.</summary>
    public const int MaximumSize = 64 * 1024;

    private const uint OwnersOnly = 0x180; // rw-------

    private readonly List<UndoStep> _live = [];
    private readonly string _path;
    private FileStream _file;

    private Journal(string path, FileStream file)
    {
        _path = path;
        _file = file;
        Read();
    }

    /// <summary>What is left to undo, in the order it was made.</summary>
    public IReadOnlyList<UndoStep> Live => _live;

    /// <summary>Called at each line, before (false) and after (true) it is written; for tests that end the process there.</summary>
    public Action<string, bool>? Watched { get; init; }

    /// <summary>Takes the journal of a link, making it where there is none; null when somebody alive holds it.</summary>
    public static Journal? TryTake(JournalDirectory directory, string link, Action<string, bool>? watched = null)
    {
        string path = directory.PathOf(link);
        FileStream? file = TryLock(path, empty: false);
        return file is null ? null : new Journal(path, file) { Watched = watched };
    }

    /// <summary>To be called before a step is made.</summary>
    public void Begin(UndoStep step)
    {
        _live.Add(step);
        Write($"+ {step}\n");
    }

    /// <summary>To be called after a step is undone.</summary>
    public void Done(UndoStep step)
    {
        _live.Remove(step);
        Write($"- {step}\n");
    }

    /// <summary>Lets go of it; with nothing left to undo the file goes too, and an empty directory with it.</summary>
    public void Dispose()
    {
        using JournalDirectory directory = new(Path.GetDirectoryName(_path)!);
        if (_live.Count == 0)
        {
            File.Delete(_path);
        }

        _file.Dispose();
    }

    private static FileStream? TryLock(string path, bool empty)
    {
        int flags = Libc.O_RDWR | Libc.O_CREAT | Libc.O_CLOEXEC | (empty ? Libc.O_TRUNC : 0);
        SafeFileHandle file = Descriptors.Own(Libc.open(path, flags, OwnersOnly), $"The journal {path} cannot be opened");
        if (Libc.flock(file, Libc.LOCK_EX | Libc.LOCK_NB) == 0)
        {
            return new FileStream(file, FileAccess.ReadWrite, bufferSize: 0);
        }

        file.Dispose();
        return null;
    }

    private void Read()
    {
        using StreamReader reader = new(_file, Encoding.UTF8, leaveOpen: true);
        string text = reader.ReadToEnd();
        int end;
        for (int start = 0; (end = text.IndexOf('\n', start)) >= 0; start = end + 1)
        {
            ReadOnlySpan<char> line = text.AsSpan(start, end - start);
            if (line.Length < 2 || !UndoStep.TryParse(line[2..], out UndoStep step))
            {
                throw new CulvertException(FailureKind.CleanUpIncomplete, $"{_path} has a line that no Culvert of this version wrote: {line}; undo it by hand and remove the file.");
            }

            _ = line[0] == '+' ? Add(step) : _live.Remove(step);
        }

        if (!text.EndsWith('\n'))
        {
            Rewrite(); // without what a death cut off
        }
    }

    private bool Add(UndoStep step)
    {
        _live.Add(step);
        return true;
    }

    private void Write(string line)
    {
        Watched?.Invoke(line, false);
        if (_file.Position > MaximumSize)
        {
            using JournalDirectory directory = new(Path.GetDirectoryName(_path)!);
            Rewrite();
        }
        else
        {
            Append(_file, line);
        }

        Watched?.Invoke(line, true);
    }

    /// <summary>Puts a new file in the place of the old one, at once and locked already. The directory is held, so that nobody opens the old one meanwhile.</summary>
    private void Rewrite()
    {
        string next = _path + ".next";
        FileStream file = TryLock(next, empty: true) ?? throw new CulvertException(FailureKind.Bug, $"{next} is held by somebody.");
        StringBuilder text = new();
        foreach (UndoStep step in _live)
        {
            text.Append("+ ").Append(step).Append('\n');
        }

        Append(file, text.ToString());
        File.Move(next, _path, overwrite: true);
        _file.Dispose();
        _file = file;
    }

    private static void Append(FileStream file, string text)
    {
        file.Write(Encoding.UTF8.GetBytes(text));
        file.Flush(flushToDisk: true);
    }
}
