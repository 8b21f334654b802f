using System;
using System.Threading;
using System.Threading.Tasks;
using Culvert.Core;

namespace Culvert.Flows;

/// <summary>
/// Where traffic leaves. Every failure is a <see cref="CulvertException"/> whose kind says what the entry should tell the
/// application; <see cref="OperationCanceledException"/> only for the caller's own token. Safe for use from many threads.
/// </summary>
public interface IExit : IAsyncDisposable
{
    /// <summary>The exit as people know it, without secrets: <c>socks5://host:1080</c>.</summary>
    string Description { get; }

    /// <summary>What this exit can carry besides TCP connections. May change when the far side has told (see AssociateAsync).</summary>
    ExitCapabilities Capabilities { get; }

    /// <summary>
    /// Asks the exit whether it is there, takes our credentials and what it can carry, without going to any destination. Fails with
    /// <see cref="FailureKind.ExitUnreachable"/> or <see cref="FailureKind.Authentication"/>; <see cref="Capabilities"/> is final behind it.
    /// </summary>
    ValueTask ProbeAsync(CancellationToken cancellation);

    /// <summary>
    /// Whether the exit is still there, as whoever watches over it asks again and again: like <see cref="ProbeAsync"/>, but an exit that keeps a session answers from what the session knows, and
    /// sends nothing where all is quiet. The round trip where the exit knows it, else null.
    /// </summary>
    async ValueTask<TimeSpan?> CheckAsync(CancellationToken cancellation)
    {
        await ProbeAsync(cancellation).ConfigureAwait(false);
        return null;
    }

    /// <summary>Opens a TCP connection to <paramref name="destination"/> and returns when the far side has connected.</summary>
    ValueTask<IConnection> ConnectAsync(Destination destination, CancellationToken cancellation);

    /// <summary>The same; where the exit opens a socket for this connection alone, <paramref name="dialer"/> opens it.</summary>
    ValueTask<IConnection> ConnectAsync(Destination destination, IDialer dialer, CancellationToken cancellation) => ConnectAsync(destination, cancellation);

    /// <summary>
    /// Connects to the Unix socket <paramref name="path"/> where the exit is. Fails with <see cref="FailureKind.NotCarried"/> where there are none, which
    /// is the usual thing.
    /// </summary>
    ValueTask<IConnection> ConnectUnixAsync(string path, CancellationToken cancellation) => ValueTask.FromException<IConnection>(
        new CulvertException(FailureKind.NotCarried, $"{Description} cannot connect to Unix sockets."));

    /// <summary>
    /// Opens a UDP association: one local endpoint at the exit, from which datagrams go to any destination and to which any host
    /// may answer (endpoint-independent mapping, RFC 4787). Fails with <see cref="FailureKind.NotCarried"/> where there is no UDP.
    /// </summary>
    ValueTask<IAssociation> AssociateAsync(CancellationToken cancellation);

    /// <summary>
    /// Sends one ICMP echo to <paramref name="destination"/> (its port is ignored) and returns when the answer came: the payload that came back.
    /// Fails with <see cref="FailureKind.NotCarried"/> where there is no ping.
    /// </summary>
    ValueTask<ReadOnlyMemory<byte>> EchoAsync(Destination destination, ReadOnlyMemory<byte> payload, CancellationToken cancellation);

    /// <summary>
    /// Has one raw DNS message (RFC 1035, no length prefix, at most 65,535 bytes) answered by the exit's own resolver; every
    /// record type passes. Fails with <see cref="FailureKind.NotCarried"/> where the exit has no resolver of its own.
    /// </summary>
    ValueTask<ReadOnlyMemory<byte>> ResolveAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation);
}

/// <summary>What an exit carries besides TCP.</summary>
[Flags]
public enum ExitCapabilities
{
    /// <summary>TCP connections only.</summary>
    None = 0,

    /// <summary>UDP associations.</summary>
    Datagrams = 1,

    /// <summary>ICMP echo.</summary>
    Echo = 2,

    /// <summary>Raw DNS messages answered by the exit's resolver.</summary>
    Resolve = 4,

    /// <summary>Connections to Unix sockets.</summary>
    UnixSockets = 8,
}
