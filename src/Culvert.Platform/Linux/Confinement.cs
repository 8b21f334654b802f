using System;
using System.IO;
using System.Net.Sockets;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Culvert.Platform.Netlink;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// The helper's part of <see cref="ConfinedCommand"/>, run inside the fresh namespaces: makes the link and hands it out, covers the
/// resolvers, waits for the engine's word, and becomes the command.
/// </summary>
internal static unsafe class Confinement
{
    /// <summary>Name of the link inside the namespace, where no other can have it.</summary>
    public const string LinkName = "culvert0";

    private const string PingGroups = "/proc/sys/net/ipv4/ping_group_range";

    /// <summary>Exit code of a helper whose engine knows why, or is gone.</summary>
    private const int GivenUp = 125;

    /// <summary>Does all of it; returns, with the process's exit code, only when the command was not executed.</summary>
    public static int Enter(ConfinementRequest request)
    {
        using HelperChannel channel = new(new SafeFileHandle(request.Channel, true));
        CloseOnExecute(request.Channel);
        CloseOnExecute(request.StandardError);
        try
        {
            SafeFileHandle[] queues = MakeLink(request, out HelperMessage ready);
            try
            {
                PrivateResolver.Install(request.Resolvers);
                if (request.UserNamespace)
                {
                    ready = ready with { Text = ready.Text + IgnoreFilePowers() };
                }

                foreach (SafeFileHandle queue in queues.AsSpan(1))
                {
                    channel.Send(new HelperMessage(HelperMessageKind.Queue), queue);
                }

                if (!channel.Send(ready, queues[0]))
                {
                    return GivenUp;
                }
            }
            finally
            {
                TunDevice.Close(queues);
            }

            // The engine alone holds the link from here on.
            if (channel.Receive(null, out _) is not { Kind: HelperMessageKind.Go })
            {
                return GivenUp;
            }

            Libc.ResourceLimit files = default;
            if (request.OpenFiles >= 0 && Libc.prlimit(0, Libc.RLIMIT_NOFILE, null, &files) == 0)
            {
                files.Soft = (ulong)request.OpenFiles;
                _ = Libc.prlimit(0, Libc.RLIMIT_NOFILE, &files, null); // lowering is always allowed
            }

            if (request.UserNamespace)
            {
                DropPowers();
            }

            RestoreSignals();
            if (!TieToEngine(request.Engine))
            {
                return GivenUp;
            }
        }
        catch (CulvertException failure)
        {
            channel.Send(new HelperMessage(HelperMessageKind.Failed, failure.Message, (int)failure.Kind));
            return GivenUp;
        }

        int error = Execute(request);
        channel.Send(new HelperMessage(HelperMessageKind.NotExecuted, Number: error));
        return GivenUp;
    }

    private static SafeFileHandle[] MakeLink(ConfinementRequest request, out HelperMessage ready)
    {
        string notes = "";
        bool v6 = File.Exists("/proc/net/if_inet6");
        using Rtnetlink network = new();
        network.Up(Rtnetlink.Index("lo"));
        SafeFileHandle[] queues = TunDevice.Create(LinkName, request.Offloads, Math.Clamp(request.Queues, 1, TunDevice.MaxQueues));
        try
        {
            uint index = Rtnetlink.Index(LinkName);
            network.Prepare(index, request.Mtu, v6);
            network.Up(index);
            foreach (LinkAddress address in request.Addresses)
            {
                if (v6 || address.Address.AddressFamily == AddressFamily.InterNetwork)
                {
                    network.AddAddress(index, address);
                    network.AddDefaultRoute(index, address.Address.AddressFamily);
                }
                else
                {
                    notes += $"\nThis machine has no IPv6, so the command has no address {address}.";
                }
            }

            notes += AllowPing(request.UserNamespace);
            ready = new HelperMessage(HelperMessageKind.Ready, LinkName + notes, request.Mtu, request.Offloads);
            return queues;
        }
        catch
        {
            TunDevice.Close(queues);
            throw;
        }
    }

    /// <summary>Lets ping work without raw sockets (icmp(7)); a container may keep it from us, and only ping misses it then.</summary>
    private static string AllowPing(bool userNamespace)
    {
        // A user namespace knows only the caller's own group.
        uint group = Libc.getegid();
        string range = userNamespace ? $"{group} {group}" : "0 2147483647";
        try
        {
            File.WriteAllText(PingGroups, range);
            return "";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"\nPing sockets could not be opened to the command: {failure.Message}";
        }
    }

    /// <summary>
    /// Has capabilities of files ignored: those beyond the bounding set, which <see cref="DropPowers"/> empties, would keep the file from being
    /// executed at all (capabilities(7), "Safety checking for capability-dumb binaries"), and ping is such a file on many machines.
    /// </summary>
    private static string IgnoreFilePowers()
    {
        Libc.MountAttributes attributes = new() { Set = Libc.MOUNT_ATTR_NOSUID };
        return Libc.mount_setattr(Libc.SYS_mount_setattr, Libc.AT_FDCWD, "/", Libc.AT_RECURSIVE, &attributes, (nuint)sizeof(Libc.MountAttributes)) == 0
            ? ""
            : $"\nPrograms with file capabilities, as ping may be, cannot be executed by the command (Linux 5.12 is needed): {Errno.Text(Errno.Last)}";
    }

    /// <summary>Gives up what the user namespace granted, so that the command has the caller's powers and no more (capabilities(7)).</summary>
    private static void DropPowers()
    {
        // Else user 0 and files with capabilities would take them from the bounding set again on exec. The kernel says where the last one is.
        for (nuint capability = 0; Libc.prctl(Libc.PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;)
        {
            capability++;
        }

        if (Errno.Last != Errno.EINVAL)
        {
            throw Descriptors.Failure("The powers of the user namespace could not be given up for good", FailureKind.Privilege);
        }

        Libc.CapabilityHeader header = new() { Version = Libc.LINUX_CAPABILITY_VERSION_3 };
        Libc.CapabilitySets none = default;
        if (Libc.prctl(Libc.PR_CAP_AMBIENT, Libc.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || Libc.capset(&header, &none) < 0)
        {
            throw Descriptors.Failure("The powers of the user namespace could not be given up", FailureKind.Privilege);
        }
    }

    /// <summary>What a program expects to start with: the runtime ignores SIGPIPE, and a program with it ignored would inherit that.</summary>
    private static void RestoreSignals()
    {
        _ = Libc.signal(Libc.SIGPIPE, Libc.SIG_DFL);
        Libc.SignalSet none = default;
        _ = Libc.pthread_sigmask(Libc.SIG_SETMASK, &none, null);
    }

    /// <summary>From here on the kernel tells the command when the engine dies; false when it has died already.</summary>
    private static bool TieToEngine(int engine) =>
        Libc.prctl(Libc.PR_SET_PDEATHSIG, Libc.SIGHUP, 0, 0, 0) == 0
            ? Libc.getppid() == engine
            : throw Descriptors.Failure("The command could not be tied to the engine", FailureKind.Bug);

    /// <summary>Becomes the command; returns the error when that did not work.</summary>
    private static int Execute(ConfinementRequest request)
    {
        using NativeStrings arguments = new(RawArguments.Of(request.Command));
        if (request.StandardError >= 0)
        {
            _ = Libc.dup2(request.StandardError, 2);
        }
        else
        {
            _ = Libc.close(2);
        }

        _ = Libc.execvpe(arguments.First, arguments.Pointer, Libc.Environment + HelperProgram.Environment.Count);
        return Errno.Last;
    }

    private static void CloseOnExecute(int descriptor)
    {
        if (descriptor >= 0 && Libc.fcntl(descriptor, Libc.F_SETFD, Libc.FD_CLOEXEC) < 0)
        {
            throw Descriptors.Failure($"Descriptor {descriptor}, which the engine should have handed down, is missing", FailureKind.Usage);
        }
    }
}
