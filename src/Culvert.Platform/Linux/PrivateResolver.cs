using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Culvert.Core;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// Gives the caller's mount namespace an /etc/resolv.conf of its own and hides the sockets of the machine's resolvers, which would answer from
/// outside the tunnel. All of it is in memory, belongs to the namespace and goes with it.
/// </summary>
internal static unsafe class PrivateResolver
{
    /// <summary>The file that names the resolvers.</summary>
    public const string ResolverFile = "/etc/resolv.conf";

    // Where resolvers of the machine can be asked over Unix sockets, which a network namespace does not stop.
    private static readonly string[] ResolverDirectories = ["/run/systemd/resolve", "/run/nscd", "/var/run/nscd", "/run/avahi-daemon"];

    // Asked over D-Bus, the same resolvers answer too. Only the socket is covered: what else is in its directory is no way out.
    private static readonly string[] BusSockets = ["/run/dbus/system_bus_socket", "/var/run/dbus/system_bus_socket"];

    /// <summary>Puts all of it in place. The mount namespace is the caller's own already, and its mounts are private.</summary>
    public static void Install(IReadOnlyList<IPAddress> resolvers)
    {
        string target = RealPath(ResolverFile) ?? throw new CulvertException(
            FailureKind.Configuration,
            $"{ResolverFile} does not exist, so the command cannot be told its resolver: create it (sudo touch {ResolverFile}).");
        bool written = false;
        HashSet<string> hidden = [];
        foreach (string name in ResolverDirectories)
        {
            if (RealPath(name) is { } directory && hidden.Add(directory))
            {
                MountMemory(directory);
                if (target.StartsWith(directory + "/", StringComparison.Ordinal))
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                    Write(target, resolvers);
                    written = true;
                }
            }
        }

        if (!written)
        {
            Cover(target, file => Write(file, resolvers));
        }

        foreach (string name in BusSockets)
        {
            // A directory is what container engines leave in place of a socket that they did not find.
            if (RealPath(name) is { } socket && !Directory.Exists(socket) && hidden.Add(socket))
            {
                Cover(socket, WriteNothing);
            }
        }
    }

    /// <summary>Binds a file in memory, which <paramref name="write"/> makes, over <paramref name="target"/>.</summary>
    private static void Cover(string target, Action<string> write)
    {
        // Held from before the memory covers it: /etc is where the memory is mounted for the moment, being the one directory known to exist.
        const string scratch = "/etc";
        using SafeFileHandle held = Descriptors.Own(Libc.open(target, Libc.O_PATH | Libc.O_CLOEXEC, 0), $"{target} cannot be opened");
        string file = $"{scratch}/{Path.GetFileName(target)}";
        MountMemory(scratch);
        write(file);
        if (Libc.mount(file, $"/proc/self/fd/{held.DangerousGetHandle()}", null, Libc.MS_BIND, null) < 0)
        {
            throw Descriptors.Failure($"{target} could not be covered in the command's own mount namespace");
        }

        // The file's own mount keeps it; the rest must not stay in the way. (After a failure above, the whole namespace goes.)
        if (Libc.umount2(scratch, Libc.MNT_DETACH) < 0)
        {
            throw Descriptors.Failure($"{scratch} could not be uncovered again");
        }
    }

    private static void Write(string path, IReadOnlyList<IPAddress> resolvers)
    {
        StringBuilder text = new("# The resolver of this tunnel; seen by the commands inside it only.\n");
        foreach (IPAddress resolver in resolvers)
        {
            text.Append("nameserver ").Append(resolver).Append('\n');
        }

        File.WriteAllText(path, text.ToString());
        SetMode(path, 0x1A4 /* rw-r--r-- */);
    }

    /// <summary>A file that is no socket: connecting is refused, and who is not root is not even let so far.</summary>
    private static void WriteNothing(string path)
    {
        File.WriteAllBytes(path, []);
        SetMode(path, 0);
    }

    /// <summary>Sets permissions, whatever the umask.</summary>
    private static void SetMode(string path, uint mode)
    {
        if (Libc.chmod(path, mode) < 0)
        {
            throw Descriptors.Failure($"The permissions of {path} could not be set");
        }
    }

    private static void MountMemory(string directory)
    {
        if (Libc.mount("culvert", directory, "tmpfs", Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOEXEC, "mode=0755,size=64k") < 0)
        {
            throw Descriptors.Failure($"{directory} could not be covered in the command's own mount namespace", FailureKind.Privilege);
        }
    }

    private static string? RealPath(string path)
    {
        byte* resolved = stackalloc byte[4096];
        return Libc.realpath(path, resolved) is null ? null : Marshal.PtrToStringUTF8((nint)resolved);
    }
}
