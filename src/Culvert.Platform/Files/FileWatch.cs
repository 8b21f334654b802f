using System;
using System.IO;
using System.Threading;
using Culvert.Core;

namespace Culvert.Platform.Files;

/// <summary>
/// Tells when a file has been written, replaced or removed, by this process or another. What the system's own notice misses (a network file system, say) is
/// found by a look every few seconds.
/// </summary>
public sealed class FileWatch : IDisposable
{
    /// <summary>How often the file is looked at where nothing was noticed.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly Action _changed;
    private readonly FileSystemWatcher _watcher;
    private readonly Timer _timer;
    private readonly Lock _lock = new();
    private Stamp _seen;
    private bool _disposed;

    /// <summary>
    /// Watches from now on; <paramref name="changed"/> is called on a thread of its own, never twice at a time, and once for what happens while it runs.
    /// </summary>
    /// <exception cref="CulvertException"><see cref="FailureKind.Configuration"/>: the file's directory cannot be watched.</exception>
    public FileWatch(string path, Action changed)
    {
        _path = Path.GetFullPath(path);
        _changed = changed;
        _seen = Stamp.Of(_path);
        _timer = new Timer(static watch => ((FileWatch)watch!).Compare(), this, Look, Look);
        try
        {
            _watcher = new FileSystemWatcher(Path.GetDirectoryName(_path)!, Path.GetFileName(_path))
            {
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            _watcher.Changed += (_, _) => Tell();
            _watcher.Created += (_, _) => Tell();
            _watcher.Deleted += (_, _) => Tell();
            _watcher.Renamed += (_, _) => Tell();
            _watcher.EnableRaisingEvents = true;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            _timer.Dispose();
            throw new CulvertException(FailureKind.Configuration, $"{_path} cannot be watched for changes: {e.Message}", e);
        }
    }

    /// <summary>Stops; behind it nothing is called any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
        }

        _watcher.Dispose();
        _timer.Dispose();
    }

    private void Compare()
    {
        if (Stamp.Of(_path) != _seen)
        {
            Tell();
        }
    }

    private void Tell()
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _seen = Stamp.Of(_path); // before the reading: what is written behind this differs
                _changed();
            }
        }
    }

    private readonly record struct Stamp(DateTime Written, long Length)
    {
        public static Stamp Of(string path)
        {
            FileInfo file = new(path);
            return file.Exists ? new Stamp(file.LastWriteTimeUtc, file.Length) : default;
        }
    }
}
