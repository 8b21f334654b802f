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
    public bool IsOurs => Holder == Libc.getpgrp();

    /// <summary>The process group that the terminal's keys speak to; -1 when the terminal is gone.</summary>
    public int Holder => Libc.tcgetpgrp(_device);

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

        int holder = Holder;
        if (holder > 0 && holder != Libc.getpgrp() && Libc.kill(-holder, 0) < 0 && Errno.Last == Errno.ESRCH)
        {
            Give(Libc.getpgrp());
        }

        if (IsOurs)
        {
            fixed (Libc.TerminalModes* modes = &_modes)
            {
                _ = Libc.tcsetattr(_device, Libc.TCSADRAIN, modes); // fails only on a terminal that is gone
            }
        }
    }

    /// <summary>Lets the terminal's keys speak to a process group of this session.</summary>
    public void Give(int group)
    {
        // From the background the call would stop us with SIGTTOU; with that blocked it is allowed.
        Libc.SignalSet block = new() { Bits = 1UL << (Libc.SIGTTOU - 1) };
        Libc.SignalSet previous;
        _ = Libc.pthread_sigmask(Libc.SIG_BLOCK, &block, &previous);
        _ = Libc.tcsetpgrp(_device, group); // fails only when the terminal or the group is gone
        _ = Libc.pthread_sigmask(Libc.SIG_SETMASK, &previous, null);
    }

    public void Dispose() => _device.Dispose();
}
