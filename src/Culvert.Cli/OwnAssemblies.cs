using System;
using System.IO;
using System.Reflection;

namespace Culvert.Cli;

/// <summary>Our own libraries, read while we still may: behind the change to a user without rights, the folder they are in may be closed to us (root's home, say).</summary>
internal static class OwnAssemblies
{
    public static void LoadAll()
    {
        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory, "*.dll"))
        {
            // The helper's is a program of its own.
            if (Path.GetFileName(file) is { } name && name.StartsWith("Culvert", StringComparison.Ordinal) && !name.Contains("helper", StringComparison.OrdinalIgnoreCase))
            {
                Assembly.LoadFrom(file);
            }
        }
    }
}
