using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// Starts the helper with privileges, by what the machine offers. The channel is the helper's standard input, the one descriptor that sudo and pkexec hand on.
/// </summary>
internal static class HelperStart
{
    /// <summary>The helper's verb for a tunnel.</summary>
    public const string Verb = "tunnel";

    /// <summary>What an argument begins with that names the directory of the journals.</summary>
    public const string JournalsArgument = "journals=";

    private static readonly string[] Sudo = ["sudo", "--"];
    private static readonly string[] Pkexec = ["pkexec"];

    /// <summary>The engine's end of the channel, and the exit code of what was started; null for the service.</summary>
    /// <exception cref="CulvertException">Privilege or Configuration.</exception>
    public static (HelperChannel Channel, Task<int>? ExitCode) Begin(TunnelHelperOptions options)
    {
        if (Libc.geteuid() != 0 && options.Journals is null && Service() is { } service)
        {
            return (service, null);
        }

        List<string> line = [.. Elevator(), .. Program(options), Verb];
        if (options.Journals is { } journals)
        {
            line.Add(JournalsArgument + journals);
        }

        (HelperChannel engine, HelperChannel helper) = HelperChannel.Pair();
        using (helper)
        {
            LauncherVariables.Forget();
            List<byte[]> arguments = line.ConvertAll(Encoding.UTF8.GetBytes);
            (ChildProcess? child, int error) = ChildProcess.Start(arguments, HelperProgram.Environment, [((int)helper.Socket.DangerousGetHandle(), 0)], null);
            if (child is null)
            {
                engine.Dispose();
                throw new CulvertException(FailureKind.Configuration, $"{line[0]} could not be started: {Errno.Text(error)}.");
            }

            return (engine, child.ExitCode);
        }
    }

    /// <summary>Runs the helper once, with our own standard output and error; its exit code.</summary>
    /// <exception cref="CulvertException">Privilege or Configuration.</exception>
    public static Task<int> RunAsync(TunnelHelperOptions options, IEnumerable<string> verb)
    {
        List<string> line = [.. Elevator(), .. Program(options), .. verb];
        LauncherVariables.Forget();
        (ChildProcess? child, int error) = ChildProcess.Start(line.ConvertAll(Encoding.UTF8.GetBytes), HelperProgram.Environment, [], null);
        return child?.ExitCode ?? throw new CulvertException(FailureKind.Configuration, $"{line[0]} could not be started: {Errno.Text(error)}.");
    }

    /// <summary>Whether this process is root, or there is something that asks for root's consent.</summary>
    public static bool IsPossible => Libc.geteuid() == 0 || File.Exists(TunnelHelperOptions.ServiceSocket) || FindElevator() is not null;

    /// <summary>Why what was started ended without a word.</summary>
    public static CulvertException Explain(int exitCode) => Libc.geteuid() == 0
        ? new(FailureKind.Bug, $"The helper ended with code {exitCode} and said no reason on its channel.")
        : new(FailureKind.Privilege, $"The helper was not allowed to start (exit code {exitCode}): a tunnel for the whole machine needs an administrator's consent{ForTheGroup}; `culvert run` and `culvert proxy` do not.");

    /// <summary>Why the service hung up without a word.</summary>
    public static CulvertException ExplainService() => new(
        FailureKind.Configuration, "The installed service's helper ended without a word: `journalctl -u 'culvert-helper@*'` says why (or 16 tunnels are up already).");

    private static string ForTheGroup => File.Exists(TunnelHelperOptions.ServiceSocket) ? $", or being in the group {TunnelHelperOptions.ServiceUser}" : "";

    private static IEnumerable<string> Program(TunnelHelperOptions options)
    {
        IReadOnlyList<string> program = HelperProgram.Locate(options.HelperPath);
        return Libc.geteuid() == 0 ? program : ["/usr/bin/env", .. HelperProgram.EnvironmentPairs, .. program];
    }

    private static string[] Elevator() => Libc.geteuid() == 0 ? [] : FindElevator() ?? throw new CulvertException(
        FailureKind.Privilege,
        $"A tunnel for the whole machine needs an administrator's consent{ForTheGroup}, and there is neither sudo nor pkexec to ask for it: run it as root. `culvert run` and `culvert proxy` need none.");

    /// <summary>sudo, but where only a window can ask for a password pkexec.</summary>
    private static string[]? FindElevator()
    {
        bool onlyWindows = !HasTerminal() && (Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") ?? Environment.GetEnvironmentVariable("DISPLAY")) is { Length: > 0 };
        foreach (string[] elevator in onlyWindows ? (string[][])[Pkexec, Sudo] : [Sudo, Pkexec])
        {
            foreach (string directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'))
            {
                if (File.Exists(Path.Combine(directory, elevator[0])))
                {
                    return elevator;
                }
            }
        }

        return null;
    }

    private static bool HasTerminal()
    {
        int terminal = Libc.open("/dev/tty", Libc.O_RDWR | Libc.O_CLOEXEC, 0);
        return terminal >= 0 && Libc.close(terminal) == 0;
    }

    /// <summary>The installed service, where there is one that this user may ask.</summary>
    private static HelperChannel? Service()
    {
        if (!File.Exists(TunnelHelperOptions.ServiceSocket))
        {
            return null;
        }

        using Socket socket = new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(TunnelHelperOptions.ServiceSocket));
        }
        catch (SocketException)
        {
            return null; // not of its group, or not running: there are other ways
        }

        SafeFileHandle own = Descriptors.Own(Libc.fcntl((int)socket.Handle, Libc.F_DUPFD_CLOEXEC, 0), "The service's channel could not be kept");
        return new HelperChannel(own);
    }
}
