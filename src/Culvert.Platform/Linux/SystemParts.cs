using Culvert.Platform.Interop;

namespace Culvert.Platform.Linux;

/// <summary>Parts of the system that a tunnel for the machine stands on.</summary>
public static class SystemParts
{
    /// <summary>nftables' library is installed.</summary>
    public static bool HasFirewall => Nftables.IsInstalled;

    /// <summary>The helper can be started with privileges: by root itself, sudo, pkexec, or as the installed service.</summary>
    public static bool CanElevate => HelperStart.IsPossible;
}
