using System;
using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Culvert.Tests.Lab.Interop;

/// <summary>What the lab needs of Linux and .NET does not offer: entering namespaces, packet sockets, TAP devices, signals.</summary>
internal static partial class Native
{
    internal const int CloneNewNet = 0x40000000;
    internal const int ReadWrite = 0x0002;
    internal const int NonBlocking = 0x0800;
    internal const int CloseOnExec = 0x80000;
    internal const short PollIn = 1;

    private const string Libc = "libc";

    [LibraryImport(Libc, EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int kind);

    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport(Libc, EntryPoint = "ioctl", SetLastError = true)]
    private static unsafe partial int Control(SafeHandle descriptor, nuint request, byte* argument);

    [LibraryImport(Libc, EntryPoint = "ioctl", SetLastError = true)]
    private static partial int ControlValue(SafeHandle descriptor, nuint request, nuint argument);

    [LibraryImport(Libc, EntryPoint = "socket", SetLastError = true)]
    private static partial int NewSocket(int family, int type, int protocol);

    [LibraryImport(Libc, EntryPoint = "bind", SetLastError = true)]
    private static unsafe partial int BindSocket(SafeHandle socket, byte* address, int length);

    [LibraryImport(Libc, EntryPoint = "setsockopt", SetLastError = true)]
    private static unsafe partial int SetSocketOption(SafeHandle socket, int level, int name, byte* value, int length);

    [LibraryImport(Libc, EntryPoint = "getsockopt", SetLastError = true)]
    private static unsafe partial int GetSocketOption(SafeHandle socket, int level, int name, byte* value, int* length);

    [LibraryImport(Libc, EntryPoint = "if_nametoindex", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint InterfaceIndex(string name);

    [LibraryImport(Libc, EntryPoint = "eventfd", SetLastError = true)]
    private static partial int NewEvent(uint initial, int flags);

    [LibraryImport(Libc, EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);

    [LibraryImport(Libc, EntryPoint = "geteuid")]
    internal static partial uint EffectiveUser();

    [LibraryImport(Libc, EntryPoint = "prctl", SetLastError = true)]
    internal static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport(Libc, EntryPoint = "read", SetLastError = true)]
    internal static unsafe partial nint Read(SafeHandle descriptor, byte* buffer, nint length);

    [LibraryImport(Libc, EntryPoint = "write", SetLastError = true)]
    internal static unsafe partial nint Write(SafeHandle descriptor, byte* buffer, nint length);

    [LibraryImport(Libc, EntryPoint = "recv", SetLastError = true)]
    internal static unsafe partial nint Receive(SafeHandle socket, byte* buffer, nint length, int flags);

    [LibraryImport(Libc, EntryPoint = "ppoll", SetLastError = true)]
    internal static unsafe partial int Poll(PollEntry* entries, nuint count, TimeSpec* timeout, void* signals);

    /// <summary>Opens a file, a device or a namespace; throws with the system's reason.</summary>
    internal static SafeFileHandle Open(string path, int flags)
    {
        int descriptor = OpenFile(path, flags | CloseOnExec);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, true) : throw Failure($"opening {path}");
    }

    /// <summary>Moves the calling thread into a network namespace, for good.</summary>
    internal static void EnterNetwork(SafeFileHandle network) => Check(SetNamespace((int)network.DangerousGetHandle(), CloneNewNet), "entering a network namespace");

    /// <summary>An ioctl with a structure.</summary>
    internal static unsafe void Control(SafeHandle descriptor, nuint request, Span<byte> argument, string what)
    {
        fixed (byte* pointer = argument)
        {
            Check(Control(descriptor, request, pointer), what);
        }
    }

    /// <summary>An ioctl with a number.</summary>
    internal static void Control(SafeHandle descriptor, nuint request, nuint argument, string what) => Check(ControlValue(descriptor, request, argument), what);

    /// <summary>A socket of any family, in the calling thread's namespace.</summary>
    internal static SafeFileHandle Socket(int family, int type, int protocol)
    {
        int descriptor = NewSocket(family, type | CloseOnExec, protocol);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, true) : throw Failure("making a socket");
    }

    /// <summary>Binds a socket to a raw address structure.</summary>
    internal static unsafe void Bind(SafeHandle socket, ReadOnlySpan<byte> address)
    {
        fixed (byte* pointer = address)
        {
            Check(BindSocket(socket, pointer, address.Length), "binding a packet socket");
        }
    }

    /// <summary>Sets a socket option.</summary>
    internal static unsafe void SetOption(SafeHandle socket, int level, int name, ReadOnlySpan<byte> value)
    {
        fixed (byte* pointer = value)
        {
            Check(SetSocketOption(socket, level, name, pointer, value.Length), $"setting socket option {level}/{name}");
        }
    }

    /// <summary>Reads a socket option.</summary>
    internal static unsafe void GetOption(SafeHandle socket, int level, int name, Span<byte> value)
    {
        int length = value.Length;
        fixed (byte* pointer = value)
        {
            Check(GetSocketOption(socket, level, name, pointer, &length), $"reading socket option {level}/{name}");
        }
    }

    /// <summary>The index of an interface of the calling thread's namespace.</summary>
    internal static int IndexOf(string name)
    {
        uint index = InterfaceIndex(name);
        return index != 0 ? (int)index : throw Failure($"looking up interface {name}");
    }

    /// <summary>An event descriptor that wakes a poll.</summary>
    internal static SafeFileHandle Event()
    {
        int descriptor = NewEvent(0, NonBlocking | CloseOnExec);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, true) : throw Failure("making an event descriptor");
    }

    /// <summary>Sends a signal; false when the process is gone.</summary>
    internal static bool Signal(int process, int signal) => SendSignal(process, signal) == 0;

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw Failure(what);
        }
    }

    private static Win32Exception Failure(string what)
    {
        int error = Marshal.GetLastPInvokeError();
        return new Win32Exception(error, $"{what}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollEntry
    {
        internal int Descriptor;
        internal short Events;
        internal short Returned;
    }

    /// <summary><c>struct timespec</c> of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TimeSpec
    {
        internal long Seconds;
        internal long Nanoseconds;
    }
}
