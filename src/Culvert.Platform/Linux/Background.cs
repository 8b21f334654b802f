using Culvert.Platform.Interop;

namespace Culvert.Platform.Linux;

/// <summary>Leaving the terminal that a process was started from (daemon(7)).</summary>
public static class Background
{
    /// <summary>A session of its own, and nothing on the standard descriptors.</summary>
    public static void Enter()
    {
        _ = Libc.setsid(); // fails only where this process leads a group, and is then not in the terminal's foreground by our doing
        int nothing = Libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC, 0);
        for (int descriptor = 0; nothing >= 0 && descriptor <= 2; descriptor++)
        {
            _ = Libc.dup2(nothing, descriptor);
        }

        if (nothing > 2)
        {
            _ = Libc.close(nothing);
        }
    }
}
