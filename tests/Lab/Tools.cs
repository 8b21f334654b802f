using System;
using System.IO;
using System.Linq;

namespace Culvert.Tests.Lab;

/// <summary>
/// Programs that tests need. Some packages would change the machine by being installed (systemd-resolved takes /etc/resolv.conf over), so ./test unpacks them
/// inside the source tree; an <see cref="OwnSystem"/> has them where they belong.
/// </summary>
public static class Tools
{
    private static readonly Lazy<string> Tree = new(() =>
    {
        string directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Culvert.slnx")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("The tests do not run inside the source tree.");
        }

        return directory;
    });

    /// <summary>The root of the source tree.</summary>
    public static string Root => Tree.Value;

    /// <summary>Where the packages are unpacked that are not installed; its <c>usr</c> is as theirs.</summary>
    public static string Unpacked => Path.Combine(Root, ".build/tools");

    /// <summary>Whether a program is installed or unpacked.</summary>
    public static bool Has(string tool)
    {
        string[] directories = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin", "/sbin", "/usr/lib/systemd", "/usr/lib/polkit-1",
            .. new[] { "bin", "sbin", "lib/systemd", "lib/polkit-1" }.Select(static directory => Path.Combine(Unpacked, "usr", directory))];
        return directories.Any(directory => File.Exists(Path.Combine(directory, tool)));
    }
}
