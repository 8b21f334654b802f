using System;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>
/// What a person types at the controlling terminal, in whole lines. The terminal's modes are never touched, so that it is left as it was whatever happens; and what is typed while others
/// have the terminal (we are in the background) is theirs.
/// </summary>
public sealed class Keyboard : IDisposable
{
    private const int MaxLine = 4096; // of the terminal itself (termios(3), canonical mode)
    private const long BackgroundPause = 200_000_000;

    private readonly SafeFileHandle _terminal;
    private readonly SafeFileHandle _wake;

    private Keyboard(SafeFileHandle terminal, SafeFileHandle wake)
    {
        _terminal = terminal;
        _wake = wake;
    }

    /// <summary>The keyboard of this process's terminal; null where it has none.</summary>
    public static Keyboard? Open()
    {
        const int noControllingTerminal = 0x100; // O_NOCTTY
        int descriptor = Libc.open("/dev/tty", Libc.O_RDWR | Libc.O_CLOEXEC | noControllingTerminal, 0);
        return descriptor < 0 ? null : new Keyboard(
            new SafeFileHandle(descriptor, true), Descriptors.Own(Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK), "No event could be made"));
    }

    /// <summary>Forgets what was typed before: it was no answer to what is asked now.</summary>
    public void Discard() => _ = Libc.tcflush(_terminal, Libc.TCIFLUSH);

    /// <summary>The next line, without its end; null at the end of input (Ctrl-D on an empty line), and when the terminal is gone. One reader at a time.</summary>
    public async Task<string?> ReadLineAsync(CancellationToken cancellation)
    {
        using CancellationTokenRegistration stop = cancellation.UnsafeRegister(static k => ((Keyboard)k!).Wake(), this);
        return await Task.Factory.StartNew(() => Read(cancellation), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _terminal.Dispose();
        _wake.Dispose();
    }

    private unsafe void Wake()
    {
        ulong one = 1;
        _ = Libc.write(_wake, (byte*)&one, sizeof(ulong));
    }

    private unsafe string? Read(CancellationToken cancellation)
    {
        // In the background a read is refused then, and does not stop the process.
        Libc.SignalSet block = new() { Bits = 1UL << (Libc.SIGTTIN - 1) };
        _ = Libc.pthread_sigmask(Libc.SIG_BLOCK, &block, null);
        byte* line = stackalloc byte[MaxLine];
        while (true)
        {
            bool ours = Libc.tcgetpgrp(_terminal) == Libc.getpgrp();
            Wait(ours);
            if (cancellation.IsCancellationRequested)
            {
                ulong taken;
                _ = Libc.read(_wake, (byte*)&taken, sizeof(ulong));
                cancellation.ThrowIfCancellationRequested();
            }

            if (!ours || Libc.tcgetpgrp(_terminal) != Libc.getpgrp())
            {
                if (Libc.tcgetpgrp(_terminal) < 0)
                {
                    return null;
                }

                continue;
            }

            nint count = Libc.read(_terminal, line, MaxLine);
            switch (count)
            {
                case > 0:
                    return Encoding.UTF8.GetString(line, (int)count).TrimEnd('\r', '\n');
                case 0:
                    return null;
                default:
                    if (Errno.Last is not (Errno.EINTR or Errno.EIO))
                    {
                        throw Descriptors.Failure("The terminal cannot be read");
                    }

                    break;
            }
        }
    }

    private unsafe void Wait(bool ours)
    {
        Libc.PollDescriptor* descriptors = stackalloc Libc.PollDescriptor[2];
        descriptors[0] = new Libc.PollDescriptor { Descriptor = (int)_wake.DangerousGetHandle(), Events = Libc.POLLIN };
        descriptors[1] = new Libc.PollDescriptor { Descriptor = (int)_terminal.DangerousGetHandle(), Events = Libc.POLLIN };
        Libc.TimeSpec pause = new() { Nanoseconds = BackgroundPause };
        _ = Libc.ppoll(descriptors, ours ? 2u : 1u, ours ? null : &pause, null);
    }
}
