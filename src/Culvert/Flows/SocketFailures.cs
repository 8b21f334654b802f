using System;
using System.Net.Sockets;
using Culvert.Core;

namespace Culvert.Flows;

/// <summary>The one place where the system's socket errors become <see cref="CulvertException"/>.</summary>
internal static class SocketFailures
{
    /// <summary>The failure of <paramref name="what"/> ("The connection to …"), which starts the sentence.</summary>
    public static CulvertException ToFailure(SocketException error, string what) =>
        new(Kind(error.SocketErrorCode), $"{what} failed: {Describe(error)}.", error);

    /// <summary>
    /// The failure of <paramref name="what"/> on a socket that was closed under it, or that had an error; null for any other exception.
    /// </summary>
    public static CulvertException? TryToFailure(Exception error, string what) => error switch
    {
        SocketException socket => ToFailure(socket, what),
        ObjectDisposedException => new CulvertException(FailureKind.Reset, $"{what} failed: it was closed on this side.", error),
        _ => null,
    };

    /// <summary>What sort of failure a socket error is.</summary>
    public static FailureKind Kind(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => FailureKind.Refused,
        SocketError.HostUnreachable or SocketError.HostDown => FailureKind.HostUnreachable,
        SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.AddressNotAvailable
            or SocketError.AddressFamilyNotSupported or SocketError.InvalidArgument => FailureKind.NetworkUnreachable,
        SocketError.TimedOut => FailureKind.TimedOut,
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery => FailureKind.NameNotFound,
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown or SocketError.NotConnected
            or SocketError.OperationAborted or SocketError.Interrupted or SocketError.NetworkReset => FailureKind.Reset,
        SocketError.AccessDenied => FailureKind.Prohibited,
        SocketError.AddressAlreadyInUse => FailureKind.Configuration,
        SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.ProcessLimit => FailureKind.LimitReached,
        SocketError.ProtocolNotSupported or SocketError.SocketNotSupported or SocketError.OperationNotSupported => FailureKind.NotCarried,
        _ => FailureKind.HostUnreachable,
    };

    // The framework's messages may be stripped from the program, and differ between systems.
    private static string Describe(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostUnreachable or SocketError.HostDown => "no route to the host",
        SocketError.NetworkUnreachable or SocketError.NetworkDown => "network unreachable",
        SocketError.AddressNotAvailable => "the address is not available here",
        SocketError.AddressFamilyNotSupported => "this system has no such kind of address",
        SocketError.TimedOut => "no answer in time",
        SocketError.HostNotFound or SocketError.NoData => "the name does not exist",
        SocketError.TryAgain or SocketError.NoRecovery => "the name could not be resolved",
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => "it was reset by the far side",
        SocketError.OperationAborted or SocketError.Interrupted or SocketError.NotConnected => "it was closed on this side",
        SocketError.AccessDenied => "the system does not permit it",
        SocketError.AddressAlreadyInUse => "the address is in use",
        SocketError.TooManyOpenSockets => "too many open files; raise the limit (ulimit -n)",
        _ => $"{error.SocketErrorCode} ({error.NativeErrorCode})",
    };
}
