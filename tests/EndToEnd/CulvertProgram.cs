using System;
using System.Collections.Generic;
using System.IO;
using Culvert.Tests.Lab;

namespace Culvert.Tests.EndToEnd;

/// <summary>The program under test, as people start it.</summary>
internal static class CulvertProgram
{
    /// <summary>The user that plain users' tests run as: nobody.</summary>
    private const int PlainUser = 65534;

    /// <summary>The launcher at the root of the tree.</summary>
    internal static string Launcher => Path.Combine(Tools.Root, "culvert");

    /// <summary>The command line that runs Culvert with <paramref name="arguments"/>, as the test's own user.</summary>
    internal static string[] Line(params IEnumerable<string> arguments) => [Launcher, .. arguments];

    /// <summary>
    /// The command line that runs Culvert as a user without any privilege. The machine's TUN device may be root's alone, so one that is
    /// everybody's (as distributions have it) is put over it in a mount namespace of its own; and the program is copied to where anybody may read it.
    /// </summary>
    internal static string[] PlainLine(LabNetwork network, params IEnumerable<string> arguments)
    {
        string program = Copy(network);
        string prepare = $"""
            mount -t tmpfs -o mode=755 device {network.Temporary}/device && mknod {network.Temporary}/device/tun c 10 200 && chmod 666 {network.Temporary}/device/tun &&
            mount --bind {network.Temporary}/device/tun /dev/net/tun && exec setpriv --reuid={PlainUser} --regid={PlainUser} --clear-groups -- "$@"
            """;
        return ["unshare", "-m", "bash", "-c", prepare, "plain", "env", $"PATH={PlainPath}", $"{program}/culvert", .. arguments];
    }

    /// <summary>The command line that runs Culvert as a user of an <see cref="OwnSystem"/>, with the groups that the user has there.</summary>
    internal static string[] LineOf(LabNetwork network, int user, params IEnumerable<string> arguments) =>
        ["setpriv", $"--reuid={user}", $"--regid={user}", "--init-groups", "env", $"PATH={PlainPath}", $"HOME={network.CommandTemporary}", $"{Copy(network)}/culvert", .. arguments];

    /// <summary>A plain user's PATH, without root's directories that it may not even look into.</summary>
    private static string PlainPath
    {
        get
        {
            string path = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
            return Environment.ProcessPath is { } own && Path.GetFileName(own) == "dotnet" ? $"{path}:{Path.GetDirectoryName(own)}" : path;
        }
    }

    /// <summary>Culvert where anybody may read it: a tree of its own with the launcher in it.</summary>
    internal static string Copy(LabNetwork network)
    {
        string program = Path.Combine(network.Temporary, "program");
        if (!Directory.Exists(program))
        {
            // Its build is as fresh as the one it is copied from.
            string built = ".build/artifacts/bin/Culvert.Cli";
            LabNetwork.System($"""
                set -e; {Launcher} --version; mkdir -p {program}/{built} {program}/src {network.Temporary}/device; cd {Tools.Root}
                cp culvert Directory.Build.props Directory.Packages.props global.json {program}; cp -r {built}/release {program}/{built}/
                touch {program}/.build/fresh; chmod -R a+rX {program}
                """);
        }

        return program;
    }
}
