using System;
using System.IO;
using System.Linq;

namespace Culvert.Cli.Profiles;

/// <summary>Where what belongs to the person is kept: <c>$XDG_CONFIG_HOME/culvert</c>, or <c>~/.config/culvert</c> of whoever typed the command, also behind sudo.</summary>
internal static class ConfigDirectory
{
    /// <summary>The directory; it need not be there.</summary>
    public static string Path { get; } = System.IO.Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } set ? set : System.IO.Path.Combine(Home(), ".config"), "culvert");

    /// <summary>The home of whoever asked: sudo's caller, where there is one (passwd(5)).</summary>
    private static string Home()
    {
        string own = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string? caller = Environment.GetEnvironmentVariable("SUDO_UID");
        if (caller is null || Environment.UserName != "root" || !File.Exists("/etc/passwd"))
        {
            return own;
        }

        string[]? entry = File.ReadLines("/etc/passwd").Select(static line => line.Split(':')).FirstOrDefault(fields => fields.Length >= 6 && fields[2] == caller);
        return entry?[5] ?? own;
    }
}
