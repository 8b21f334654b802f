using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using Culvert.Core;

namespace Culvert.Platform.Linux;

/// <summary>How the helper is started: by the runtime that runs the engine, or as a single file.</summary>
internal static class HelperProgram
{
    /// <summary>
    /// Variables that the helper's own runtime gets, in front of the caller's, and that the helper leaves out for the command: no diagnostics
    /// sockets in /tmp (they would stay behind when the command takes the process over), no profiling for a life of a tenth of a second.
    /// </summary>
    public static readonly IReadOnlyList<string> EnvironmentPairs = ["DOTNET_EnableDiagnostics=0", "DOTNET_TieredPGO=0"];

    /// <summary><see cref="EnvironmentPairs"/> as bytes.</summary>
    public static readonly IReadOnlyList<byte[]> Environment = [.. EnvironmentPairs.Select(Encoding.UTF8.GetBytes)];

    /// <summary>The first arguments of a command line that starts the helper at <paramref name="path"/>.</summary>
    public static IReadOnlyList<string> Locate(string path)
    {
        string library = path + ".dll";
        string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
        if (File.Exists(library) && File.Exists(host))
        {
            return [host, library];
        }

        return File.Exists(path)
            ? [path]
            : throw new CulvertException(FailureKind.Configuration, $"The helper {path} is missing: install or build Culvert again.");
    }
}
