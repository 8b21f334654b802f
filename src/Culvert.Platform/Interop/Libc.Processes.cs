using System.Runtime.InteropServices;

namespace Culvert.Platform.Interop;

internal static unsafe partial class Libc
{
    public const int SIGHUP = 1;
    public const int SIGKILL = 9;
    public const int SIGPIPE = 13;
    public const int SIGCONT = 18;
    public const int SIGSTOP = 19;
    public const int SIGTTIN = 21;
    public const int SIGTTOU = 22;
    public const int SIG_BLOCK = 0;
    public const int SIG_SETMASK = 2;
    public const nint SIG_DFL = 0;

    public const int P_PID = 1;
    public const int WNOHANG = 1;
    public const int WSTOPPED = 2;
    public const int WEXITED = 4;
    public const int WNOWAIT = 0x01000000;
    public const int CLD_EXITED = 1;
    public const int CLD_KILLED = 2;
    public const int CLD_DUMPED = 3;

    public const int PR_SET_PDEATHSIG = 1;
    public const int PR_CAPBSET_DROP = 24;
    public const int PR_CAP_AMBIENT = 47;
    public const int PR_CAP_AMBIENT_CLEAR_ALL = 4;
    public const uint LINUX_CAPABILITY_VERSION_3 = 0x20080522;
    public const int RLIMIT_NOFILE = 7;

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint getrandom(byte* buffer, nuint length, uint flags);

    [LibraryImport(Library)]
    public static partial int getpid();

    [LibraryImport(Library)]
    public static partial int getppid();

    [LibraryImport(Library)]
    public static partial int getpgrp();

    [LibraryImport(Library, SetLastError = true)]
    public static partial int getpgid(int process);

    [LibraryImport(Library)]
    public static partial uint geteuid();

    [LibraryImport(Library)]
    public static partial uint getegid();

    [LibraryImport(Library, SetLastError = true)]
    public static partial int setgroups(nuint count, uint* groups);

    /// <summary>Of all threads, as the C library does it.</summary>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int setresgid(uint real, uint effective, uint saved);

    /// <summary>Of all threads, as the C library does it.</summary>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int kill(int process, int signal);

    [LibraryImport(Library)]
    public static partial int raise(int signal);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int waitid(int idType, uint id, ChildInformation* information, int options);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int capset(CapabilityHeader* header, CapabilitySets* sets);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int prlimit(int process, int resource, ResourceLimit* wanted, ResourceLimit* previous);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint signal(int signal, nint handler);

    /// <summary>For the calling thread; returns the error itself.</summary>
    [LibraryImport(Library)]
    public static partial int pthread_sigmask(int how, SignalSet* set, SignalSet* previous);

    /// <summary>Returns only when it failed.</summary>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int execvpe(byte* file, byte** arguments, byte** environment);

    /// <summary>Returns the error itself.</summary>
    [LibraryImport(Library)]
    public static partial int posix_spawnp(int* process, byte* file, SpawnFileActions* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(Library)]
    public static partial int posix_spawn_file_actions_init(SpawnFileActions* actions);

    [LibraryImport(Library)]
    public static partial int posix_spawn_file_actions_destroy(SpawnFileActions* actions);

    [LibraryImport(Library)]
    public static partial int posix_spawn_file_actions_adddup2(SpawnFileActions* actions, int fd, int wanted);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int unsetenv(byte* name);

    /// <summary>The environment this process was started with, as the C library keeps it: bytes, not text.</summary>
    public static byte** Environment
    {
        get
        {
            nint library = NativeLibrary.Load(Library, typeof(Libc).Assembly, null);
            return *(byte***)NativeLibrary.GetExport(library, "environ");
        }
    }

    /// <summary><c>siginfo_t</c> as waitid fills it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    public struct ChildInformation
    {
        [FieldOffset(8)]
        public int Code;

        [FieldOffset(16)]
        public int Process;

        /// <summary>Exit code, or the signal that killed or stopped it.</summary>
        [FieldOffset(24)]
        public int Status;
    }

    /// <summary><c>sigset_t</c>: signal n is bit n-1 of the first word.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    public struct SignalSet
    {
        public ulong Bits;
    }

    /// <summary><c>posix_spawn_file_actions_t</c>: opaque; 80 bytes in glibc and musl.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    public struct SpawnFileActions;

    /// <summary><c>struct __user_cap_header_struct</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct CapabilityHeader
    {
        public uint Version;
        public int Process;
    }

    /// <summary>Two <c>struct __user_cap_data_struct</c>: version 3 has 64 capabilities.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 24)]
    public struct CapabilitySets;

    /// <summary><c>struct rlimit</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
