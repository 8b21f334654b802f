using System;
using System.IO;
using Xunit;

namespace Culvert.Tests.EndToEnd.Platform;

/// <summary>The probe (tests/Probe) and the helper, copied to where a plain user may read them, whatever the permissions of the source tree.</summary>
public sealed class ProbeFolder : IDisposable
{
    /// <summary>Copies them.</summary>
    public ProbeFolder()
    {
        Folder = Directory.CreateTempSubdirectory("culvert-probe-").FullName;
        Open(Folder);
        foreach (string pattern in (string[])["Culvert.Tests.Probe*", "culvert-helper*", "Culvert.Platform.dll", "Culvert.Core.dll"])
        {
            foreach (string file in Directory.GetFiles(AppContext.BaseDirectory, pattern))
            {
                string copy = Path.Combine(Folder, Path.GetFileName(file));
                File.Copy(file, copy);
                Open(copy);
            }
        }
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static void Open(string path)
    {
#pragma warning disable CA1416 // these tests are Linux's
        File.SetUnixFileMode(path, (UnixFileMode)0x1ED); // rwxr-xr-x
#pragma warning restore CA1416
    }
}

/// <summary>Tests that confine commands: one at a time, since they look at the machine's processes and namespaces.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class PlatformCollection : ICollectionFixture<ProbeFolder>
{
    /// <summary>The collection's name.</summary>
    public const string Name = "platform";
}
