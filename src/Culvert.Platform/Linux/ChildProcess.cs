using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;
using Culvert.Platform.Interop;

namespace Culvert.Platform.Linux;

/// <summary>
/// A child process, started and awaited on a thread of its own: the child's parent-death signal is tied to the thread that made it, which
/// therefore lives as long. System.Diagnostics.Process would take over SIGCHLD and the terminal's settings.
/// </summary>
internal sealed unsafe class ChildProcess
{
    /// <summary>
    /// How long a stopped child must stay stopped until we stop with it. Ctrl-Z stops child and engine together and `fg` continues both; the
    /// engine, continued first, would otherwise see its child still stopped.
    /// </summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromMilliseconds(50);

    private readonly TaskCompletionSource<int> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<int> _exitCode = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _reaping = new();
    private readonly Terminal? _terminal;
    private int _id;
    private bool _reaped;

    private ChildProcess(Terminal? terminal) => _terminal = terminal;

    /// <summary>The exit code, or 128 + n after signal n. Completes after the terminal has been set as it was.</summary>
    public Task<int> ExitCode => _exitCode.Task;

    /// <summary>
    /// Starts <paramref name="arguments"/>[0], looked up in PATH, with descriptors 0 to 2, every descriptor not closed on exec, and those of
    /// <paramref name="descriptors"/>: each (ours, the child's number for it), in this order. <paramref name="environment"/> stands in front of our own.
    /// </summary>
    /// <returns>The child, or the error that kept it from starting.</returns>
    public static (ChildProcess? Child, int Error) Start(
        IReadOnlyList<byte[]> arguments, IReadOnlyList<byte[]> environment, IReadOnlyList<(int Ours, int Childs)> descriptors, Terminal? terminal)
    {
        ChildProcess child = new(terminal);
        Thread thread = new(() => child.Run(arguments, environment, descriptors)) { IsBackground = true, Name = "command" };
        thread.Start();
        int error = child._started.Task.GetAwaiter().GetResult();
        return error == 0 ? (child, 0) : (null, error);
    }

    /// <summary>Sends a signal; nothing when the child has ended.</summary>
    public void Signal(int signal)
    {
        lock (_reaping)
        {
            // Not reaped, so the number is still the child's.
            if (!_reaped && Libc.kill(_id, signal) < 0)
            {
                throw Descriptors.Failure($"Signal {signal} could not be sent to the command", FailureKind.Privilege);
            }
        }
    }

    private void Run(IReadOnlyList<byte[]> arguments, IReadOnlyList<byte[]> environment, IReadOnlyList<(int Ours, int Childs)> descriptors)
    {
        // When continued, the framework sets the terminal to what it knew of it, on a thread of its own. By then the terminal may be the command's, whose modes
        // that would spoil, or which would stop us with SIGTTOU.
        using PosixSignalRegistration? continued = _terminal is null ? null : PosixSignalRegistration.Create((PosixSignal)Libc.SIGCONT, static context => context.Cancel = true);
        int error = Spawn(arguments, environment, descriptors);
        _started.SetResult(error);
        if (error == 0)
        {
            try
            {
                int exitCode = AwaitEnd();
                _terminal?.Restore();
                _exitCode.SetResult(exitCode);
            }
            catch (CulvertException failure)
            {
                _exitCode.SetException(failure);
            }
        }
    }

    private int Spawn(IReadOnlyList<byte[]> arguments, IReadOnlyList<byte[]> environment, IReadOnlyList<(int Ours, int Childs)> descriptors)
    {
        using NativeStrings argumentStrings = new(arguments);
        using NativeStrings environmentStrings = new(environment, Libc.Environment);
        Libc.SpawnFileActions actions;
        int error = Libc.posix_spawn_file_actions_init(&actions);
        foreach ((int ours, int childs) in descriptors)
        {
            error = error != 0 ? error : Libc.posix_spawn_file_actions_adddup2(&actions, ours, childs);
        }

        int id = 0;
        error = error != 0 ? error : Libc.posix_spawnp(&id, argumentStrings.First, &actions, null, argumentStrings.Pointer, environmentStrings.Pointer);
        _ = Libc.posix_spawn_file_actions_destroy(&actions);
        _id = id;
        return error;
    }

    private int AwaitEnd()
    {
        while (true)
        {
            Libc.ChildInformation information = Await(Libc.WEXITED | Libc.WSTOPPED | Libc.WNOWAIT);
            if (information.Code is Libc.CLD_EXITED or Libc.CLD_KILLED or Libc.CLD_DUMPED)
            {
                lock (_reaping)
                {
                    Await(Libc.WEXITED);
                    _reaped = true;
                }

                return information.Code == Libc.CLD_EXITED ? information.Status : 128 + information.Status;
            }

            Await(Libc.WSTOPPED | Libc.WNOHANG); // takes the news, so that it is not told again
            StopAlong(information.Status);
        }
    }

    private Libc.ChildInformation Await(int options)
    {
        Libc.ChildInformation information = default;
        while (Libc.waitid(Libc.P_PID, (uint)_id, &information, options) < 0)
        {
            if (Errno.Last != Errno.EINTR)
            {
                throw Descriptors.Failure("Waiting for the command failed", FailureKind.Bug);
            }
        }

        return information;
    }

    /// <summary>
    /// A command that stops itself (`suspend` in a shell, Ctrl-Z in a program that handles it) must stop us too, or the shell we were started
    /// from never notices. Without a terminal there is nobody to continue us, so a stopped command is then left as it is; so is one that
    /// does not have the terminal and was stopped by somebody's SIGSTOP.
    /// </summary>
    private void StopAlong(int signal)
    {
        if (_terminal is null)
        {
            return;
        }

        int group = Libc.getpgid(_id);
        int holder = _terminal.Holder;
        if (signal == Libc.SIGSTOP && holder != group)
        {
            return;
        }

        Thread.Sleep(StopGrace);
        if (IsStopped())
        {
            _ = Libc.raise(Libc.SIGSTOP); // to this thread, so that not one more line runs before the stop

            // Here again after `fg` or `bg`, which spoke to our group only; the command may have one of its own.
            if (holder == group && _terminal.IsOurs)
            {
                _terminal.Give(group);
            }

            Signal(Libc.SIGCONT);
        }
    }

    private bool IsStopped()
    {
        string status;
        try
        {
            status = System.IO.File.ReadAllText($"/proc/{_id}/stat");
        }
        catch (System.IO.IOException)
        {
            return false; // ended meanwhile; not yet reaped, but another process's /proc may be hidden from us
        }

        int state = status.LastIndexOf(") ", StringComparison.Ordinal) + 2;
        return status[state] == 'T';
    }
}
