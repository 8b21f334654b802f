using System;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Culvert.Platform.Interop;

namespace Culvert.Platform;

/// <summary>
/// Unpredictable bytes from the system's own generator: getrandom(2) on Linux. The framework's, which other systems get, asks OpenSSL there, and a tunnel without
/// TLS would load 6 MB for a handful of bytes.
/// </summary>
public static class SystemRandom
{
    /// <summary>Fills <paramref name="bytes"/>.</summary>
    public static unsafe void Fill(Span<byte> bytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            FillPortably(bytes);
            return;
        }

        while (!bytes.IsEmpty)
        {
            fixed (byte* start = bytes)
            {
                nint count = Libc.getrandom(start, (nuint)bytes.Length, 0);
                if (count < 0 && Errno.Last != Errno.EINTR)
                {
                    throw Descriptors.Failure("The system gave no random bytes", Core.FailureKind.Bug);
                }

                bytes = bytes[(int)Math.Max(0, count)..];
            }
        }
    }

    /// <summary>A number of 64 unpredictable bits.</summary>
    public static ulong Next()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    // On its own, so that compiling Fill does not load the library.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FillPortably(Span<byte> bytes) => RandomNumberGenerator.Fill(bytes);
}
