using System;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Linux;

/// <summary>
/// The variables that the launcher at the root sets for the engine's runtime alone: without diagnostics it makes no sockets in /tmp, which a
/// kill -9 would leave there. The command never sees them.
/// </summary>
internal static class LauncherVariables
{
    /// <summary>Set by the launcher, together with <c>DOTNET_EnableDiagnostics</c>, when the caller had not set that one.</summary>
    public const string Mark = "CULVERT_LAUNCHER";

    /// <summary>Takes them out of what children of this process inherit.</summary>
    public static unsafe void Forget()
    {
        if (Environment.GetEnvironmentVariable(Mark) is null)
        {
            return;
        }

        fixed (byte* runtime = "DOTNET_EnableDiagnostics"u8)
        {
            _ = Libc.unsetenv(runtime);
        }

        fixed (byte* mark = "CULVERT_LAUNCHER"u8)
        {
            _ = Libc.unsetenv(mark);
        }
    }
}
