using System;
using System.Collections.Generic;
using System.Text;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Platform.Channel;
using Culvert.Platform.Interop;
using Culvert.Platform.Links;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// A command whose only network is a link of ours: it runs in a network and mount namespace of its own, while the engine stays outside and
/// holds the link's descriptor. It keeps the caller's working directory, environment, terminal and descriptors, and is told (SIGHUP) when
/// the engine dies.
/// </summary>
public sealed class ConfinedCommand : IDisposable
{
    private readonly ConfinedCommandOptions _options;
    private readonly ChildProcess _child;
    private readonly HelperChannel _channel;
    private readonly Terminal? _terminal;
    private bool _executed;

    private ConfinedCommand(ConfinedCommandOptions options, ChildProcess child, HelperChannel channel, Terminal? terminal, ILink link, string[] notes)
    {
        _options = options;
        _child = child;
        _channel = channel;
        _terminal = terminal;
        Link = link;
        Notes = notes;
    }

    /// <summary>The command's only network.</summary>
    public ILink Link { get; }

    /// <summary>A sentence for each thing that this machine lacks and the command goes without; usually none.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>
    /// Completes when the command has ended and the terminal is as it was: the exit code, or 128 + n when signal n killed it.
    /// </summary>
    public Task<int> ExitCode => _child.ExitCode;

    /// <summary>Whether the keys of the controlling terminal (Ctrl-C, Ctrl-\) reach the engine's process group, and so the command by themselves.</summary>
    internal bool HasTerminal => _terminal is { IsOurs: true };

    /// <summary>
    /// Makes the namespaces and the link, and returns with the command not yet started: it waits for <see cref="Go"/>. Nothing stays behind
    /// on a failure.
    /// </summary>
    /// <exception cref="CulvertException">
    /// <see cref="FailureKind.Privilege"/>, <see cref="FailureKind.Configuration"/> or <see cref="FailureKind.TimedOut"/>, with the fix in the sentence.
    /// </exception>
    public static ConfinedCommand Start(ConfinedCommandOptions options)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new CulvertException(FailureKind.Configuration, "Confining a command needs Linux; elsewhere a proxy entry serves.");
        }

        if (options.Mtu is < ConfinedCommandOptions.MinimumMtu or > ConfinedCommandOptions.MaximumMtu)
        {
            throw new CulvertException(
                FailureKind.Usage, $"An MTU is {ConfinedCommandOptions.MinimumMtu} to {ConfinedCommandOptions.MaximumMtu} bytes, not {options.Mtu}.");
        }

        bool userNamespace = !ProcessStatus.MayMakeNamespaces;
        (HelperChannel channel, HelperChannel helperEnd) = HelperChannel.Pair();
        (SafeFileHandle errorOutput, SafeFileHandle errorInput) = Descriptors.Pipe();
        Terminal? terminal = Terminal.Remember();
        ChildProcess? child = null;
        try
        {
            using (helperEnd)
            using (errorInput)
            {
                child = Spawn(options, userNamespace, helperEnd, errorInput, terminal);
            }

            return Await(options, child, channel, terminal) ?? throw Explain(child, errorOutput, userNamespace);
        }
        catch
        {
            channel.Dispose();
            Reap(child);
            terminal?.Dispose();
            throw;
        }
        finally
        {
            errorOutput.Dispose();
        }
    }

    /// <summary>The engine is ready for packets: the command starts now. Returns when it has.</summary>
    /// <exception cref="CulvertException">
    /// <see cref="FailureKind.CommandNotFound"/> or <see cref="FailureKind.CommandNotExecutable"/>; otherwise as <see cref="Start"/>.
    /// </exception>
    public void Go()
    {
        _channel.Send(new HelperMessage(HelperMessageKind.Go)); // a helper that is gone shows in the exit code
        HelperMessage? answer = _channel.Receive(_options.StartLimit, out _);
        switch (answer)
        {
            case null:
                _executed = true; // its end of the channel closes on exec
                break;
            case { Kind: HelperMessageKind.NotExecuted, Number: int error }:
                throw ConfinementFailure.NotExecuted(_options.Command, error);
            case { Kind: HelperMessageKind.Failed } failure:
                throw new CulvertException((FailureKind)failure.Number, failure.Text);
            default:
                throw new CulvertException(FailureKind.Bug, $"The helper answered {answer.Value.Kind} when told to go.");
        }
    }

    /// <summary>Waits for the command's end and returns <see cref="ExitCode"/>.</summary>
    public int Wait() => ExitCode.GetAwaiter().GetResult();

    /// <summary>Sends a signal to the command; nothing when it has ended.</summary>
    public void Signal(int signal) => _child.Signal(signal);

    /// <summary>Closes the link. A command not yet started never starts; one that still runs is told by SIGHUP.</summary>
    public void Dispose()
    {
        _channel.Dispose();
        if (_executed)
        {
            _child.Signal(Libc.SIGHUP);
        }
        else
        {
            Reap(_child);
        }

        Link.Dispose();
        if (ExitCode.IsCompleted)
        {
            _terminal?.Dispose(); // else it is still needed, to be set back
        }
    }

    private static ChildProcess Spawn(
        ConfinedCommandOptions options, bool userNamespace, HelperChannel helperEnd, SafeFileHandle errorInput, Terminal? terminal)
    {
        LauncherVariables.Forget();
        using SafeFileHandle channel = Descriptors.DuplicateForChild((int)helperEnd.Socket.DangerousGetHandle());
        using SafeFileHandle errors = Descriptors.DuplicateForChild((int)errorInput.DangerousGetHandle());
        using SafeFileHandle? standardError = Libc.fcntl(2, Libc.F_GETFD, 0) >= 0 ? Descriptors.DuplicateForChild(2) : null;
        ConfinementRequest request = new()
        {
            Channel = (int)channel.DangerousGetHandle(),
            StandardError = standardError is null ? -1 : (int)standardError.DangerousGetHandle(),
            Engine = Environment.ProcessId,
            Mtu = options.Mtu,
            Offloads = options.Offloads,
            Queues = options.Queues,
            UserNamespace = userNamespace,
            OpenFiles = CallersOpenFiles(),
            Addresses = options.Addresses,
            Resolvers = options.Resolvers,
        };

        List<byte[]> arguments = [];
        string[] unshare = userNamespace
            ? ["unshare", "--user", "--map-current-user", "--keep-caps", "--net", "--mount", "--"]
            : ["unshare", "--net", "--mount", "--"];
        foreach (string argument in (IEnumerable<string>)[.. unshare, .. HelperProgram.Locate(options.HelperPath), .. request.Arguments])
        {
            arguments.Add(Encoding.UTF8.GetBytes(argument));
        }

        arguments.AddRange(RawArguments.Of([options.Command, .. options.Arguments]));

        // Same numbers on both sides: that clears close-on-exec, and no number the caller handed down is taken.
        List<(int, int)> descriptors = [(request.Channel, request.Channel), ((int)errors.DangerousGetHandle(), 2)];
        if (standardError is not null)
        {
            descriptors.Add((request.StandardError, request.StandardError));
        }

        (ChildProcess? child, int error) = ChildProcess.Start(arguments, HelperProgram.Environment, descriptors, terminal);
        return child ?? throw ConfinementFailure.NoUnshare(error);
    }

    /// <summary>Waits for the link; null when the child ended without a word on the channel.</summary>
    private static ConfinedCommand? Await(ConfinedCommandOptions options, ChildProcess child, HelperChannel channel, Terminal? terminal)
    {
        List<SafeFileHandle> more = [];
        HelperMessage? message = channel.Receive(options.StartLimit, out SafeFileHandle? device);
        while (message is { Kind: HelperMessageKind.Queue } && device is not null && more.Count < TunDevice.MaxQueues)
        {
            more.Add(device);
            message = channel.Receive(options.StartLimit, out device);
        }

        switch (message)
        {
            case null:
                return null;
            case { Kind: HelperMessageKind.Failed } failure:
                throw new CulvertException((FailureKind)failure.Number, failure.Text);
            case { Kind: HelperMessageKind.Ready } ready when device is not null:
                string[] lines = ready.Text.Split('\n');
                return new ConfinedCommand(options, child, channel, terminal, new TunLink(device, lines[0], ready.Number, ready.Flag, more), lines[1..]);
            default:
                device?.Dispose();
                throw new CulvertException(FailureKind.Bug, $"The helper answered {message.Value.Kind} when asked for a link.");
        }
    }

    private static unsafe CulvertException Explain(ChildProcess child, SafeFileHandle errorOutput, bool userNamespace)
    {
        int exitCode = child.ExitCode.GetAwaiter().GetResult();
        const int limit = 4096;
        byte* bytes = stackalloc byte[limit];
        nint length = Libc.fcntl((int)errorOutput.DangerousGetHandle(), Libc.F_SETFL, Libc.O_NONBLOCK) < 0 ? 0 : Libc.read(errorOutput, bytes, limit);
        return ConfinementFailure.Ended(exitCode, Encoding.UTF8.GetString(bytes, (int)Math.Max(length, 0)), userNamespace);
    }

    /// <summary>Ends a helper that has not become the command.</summary>
    private static void Reap(ChildProcess? child)
    {
        child?.Signal(Libc.SIGKILL);
        child?.ExitCode.GetAwaiter().GetResult();
    }

    /// <summary>
    /// The caller's own limit on open files, -1 for ours as it is. The runtime raises ours at its start to the hard limit, and programs that close or
    /// select over all they may have would suffer from that; our parent still has the caller's.
    /// </summary>
    private static unsafe long CallersOpenFiles()
    {
        Libc.ResourceLimit ours;
        Libc.ResourceLimit parents;
        return Libc.prlimit(0, Libc.RLIMIT_NOFILE, null, &ours) == 0 && Libc.prlimit(Libc.getppid(), Libc.RLIMIT_NOFILE, null, &parents) == 0
            && ours.Hard == parents.Hard && parents.Soft < ours.Soft
            ? (long)parents.Soft
            : -1;
    }
}
