using System;
using Culvert.Platform.Interop;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Platform.Linux;

/// <summary>The controlling terminal, remembered as it was before a command had it (termios(3), tcsetpgrp(3)).</summary>
internal sealed unsafe class Terminal : IDisposable
{
    private readonly SafeFileHandle _device;
    private readonly Libc.TerminalModes _modes;
    private readonly bool _wasOurs;

    private Terminal(SafeFileHandle device, in Libc.TerminalModes modes)
    {
        _device = device;
        _modes = modes;
        _wasOurs = IsOurs;
    }

    /// <summary>Whether our process group is the one that the terminal's keys speak to.</summary>
    public bool IsOurs => Libc.tcgetpgrp(_device) == Libc.getpgrp();

    /// <summary>The terminal as it is now; null when this process has none.</summary>
    public static Terminal? Remember()
    {
        const int noControllingTerminal = 0x100; // O_NOCTTY
        int descriptor = Libc.open("/dev/tty", Libc.O_RDWR | Libc.O_CLOEXEC | noControllingTerminal, 0);
        if (descriptor < 0)
        {
            return null;
        }

        SafeFileHandle device = new(descriptor, true);
        Libc.TerminalModes modes;
        if (Libc.tcgetattr(device, &modes) < 0)
        {
            device.Dispose(); // hung up already
            return null;
        }

        return new Terminal(device, modes);
    }

    /// <summary>
    /// Gives the terminal back to our group when the group that had it is gone, and sets it as it was. A terminal that somebody else uses
    /// by now (we were sent to the background) is left alone.
    /// </summary>
    public void Restore()
    {
        if (!_wasOurs)
        {
            return;
        }

        // From the background, both calls would stop us with SIGTTOU; blocked, they are allowed.
        Libc.SignalSet block = new() { Bits = 1UL << (Libc.SIGTTOU - 1) };
        Libc.SignalSet previous;
        _ = Libc.pthread_sigmask(Libc.SIG_BLOCK, &block, &previous);
        int holder = Libc.tcgetpgrp(_device);
        bool orphaned = holder > 0 && holder != Libc.getpgrp() && Libc.kill(-holder, 0) < 0 && Errno.Last == Errno.ESRCH;
        if (orphaned)
        {
            _ = Libc.tcsetpgrp(_device, Libc.getpgrp()); // fails only on a terminal that is gone
        }

        if (IsOurs)
        {
            fixed (Libc.TerminalModes* modes = &_modes)
            {
                _ = Libc.tcsetattr(_device, Libc.TCSADRAIN, modes);
            }
        }

        _ = Libc.pthread_sigmask(Libc.SIG_SETMASK, &previous, null);
    }

    public void Dispose() => _device.Dispose();
}
