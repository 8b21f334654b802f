#pragma warning disable CA1822, CA2201, IDE0060 // the seam; the implementation follows
using System;
using System.Buffers;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack;

/// <summary>Why a TCP flow is over.</summary>
public enum TcpCloseReason : byte
{
    /// <summary>It is not over.</summary>
    None,

    /// <summary>Both directions were finished and acknowledged.</summary>
    Finished,

    /// <summary>The application reset it.</summary>
    PeerReset,

    /// <summary>The application stopped answering.</summary>
    TimedOut,

    /// <summary>We refused or aborted it.</summary>
    Aborted,
}

/// <summary>
/// One TCP connection from an application to <see cref="Destination"/>. Bytes of the application wait in <see cref="Received"/>; bytes for it are
/// written into <see cref="GetMemory"/>. Memory lent by either stays valid until <see cref="Release"/>, also when the connection is reset meanwhile.
/// </summary>
public sealed class TcpFlow
{
    /// <summary>The application's end.</summary>
    public IpEndpoint Source => throw new NotImplementedException();

    /// <summary>Where it wants to go.</summary>
    public IpEndpoint Destination => throw new NotImplementedException();

    /// <summary>The stack's user keeps its own state here.</summary>
    public object? Tag { get; set; }

    /// <summary>Why it is over, or <see cref="TcpCloseReason.None"/>.</summary>
    public TcpCloseReason CloseReason => throw new NotImplementedException();

    /// <summary>In-order bytes not yet consumed.</summary>
    public ReadOnlySequence<byte> Received => throw new NotImplementedException();

    /// <summary>The application has sent its FIN: nothing comes behind <see cref="Received"/>.</summary>
    public bool ReceiveFinished => throw new NotImplementedException();

    /// <summary>The exit has connected: answers the SYN.</summary>
    public void Accept(long now) => throw new NotImplementedException();

    /// <summary>The exit has not: answers the SYN accordingly. The flow is closed then, and released.</summary>
    public void Refuse(Refusal refusal, long now) => throw new NotImplementedException();

    /// <summary>Gives back the first <paramref name="count"/> bytes of <see cref="Received"/>; only now does the window open again.</summary>
    public void Consume(long count, long now) => throw new NotImplementedException();

    /// <summary>
    /// Room for bytes to send, at most 64 KiB; empty when the send buffer is full (a TcpWritable event follows when there is room). At most one
    /// block is lent at a time: asking again before <see cref="Advance"/> lends the same.
    /// </summary>
    public Memory<byte> GetMemory() => throw new NotImplementedException();

    /// <summary>The first <paramref name="count"/> bytes of the lent block are to be sent; 0 gives it back.</summary>
    public void Advance(int count, long now) => throw new NotImplementedException();

    /// <summary>No more bytes to send: FIN behind what is queued.</summary>
    public void Finish(long now) => throw new NotImplementedException();

    /// <summary>Resets the connection.</summary>
    public void Abort(long now) => throw new NotImplementedException();

    /// <summary>The user is done with the flow's memory. An open flow is aborted; one that is finishing goes on by itself. Call once.</summary>
    public void Release(long now) => throw new NotImplementedException();
}
