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
                if (target.StartsWith(directory + "/", System.StringComparison.Ordinal))
                {
                    Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                    Write(target, resolvers);
                    written = true;
                }
            }
        }

        if (!written)
        {
            Cover(target, resolvers);
        }
    }

    /// <summary>Binds a file in memory over <paramref name="target"/>.</summary>
    private static void Cover(string target, IReadOnlyList<IPAddress> resolvers)
    {
        // Held from before the memory covers it: /etc is where the memory is mounted for the moment, being the one directory known to exist.
        const string scratch = "/etc";
        using SafeFileHandle held = Descriptors.Own(Libc.open(target, Libc.O_PATH | Libc.O_CLOEXEC, 0), $"{target} cannot be opened");
        const string file = scratch + "/resolv.conf";
        MountMemory(scratch);
        Write(file, resolvers);
        if (Libc.mount(file, $"/proc/self/fd/{held.DangerousGetHandle()}", null, Libc.MS_BIND, null) < 0)
        {
            throw Descriptors.Failure($"The command's own {ResolverFile} could not be put in place");
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
        if (Libc.chmod(path, 0x1A4 /* rw-r--r--, whatever the umask */) < 0)
        {
            throw Descriptors.Failure($"{path} could not be made readable");
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
