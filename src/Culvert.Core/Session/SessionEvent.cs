using Culvert.Core.Packets;

namespace Culvert.Core.Session;

/// <summary>What happened in a session that its user has to act on.</summary>
public enum SessionEventKind : byte
{
    /// <summary>The other side has greeted, and flows may be opened.</summary>
    Ready,

    /// <summary>The session is attached to another transport, and goes on.</summary>
    Resumed,

    /// <summary>The other side asks for <see cref="SessionEvent.Stream"/>, <see cref="SessionEvent.Association"/>, or an answer to <see cref="SessionEvent.Question"/>.</summary>
    Asked,

    /// <summary>What we asked for is there: a stream or an association.</summary>
    Opened,

    /// <summary>Received bytes, or the end, wait in the stream.</summary>
    Readable,

    /// <summary>Room to write again, after GetMemory had returned none.</summary>
    Writable,

    /// <summary>Stream, association or question is over, see its CloseReason; the user still has to Release it.</summary>
    Closed,

    /// <summary>A datagram: <see cref="SessionEvent.Buffer"/> is the taker's to release; to or from <see cref="SessionEvent.Destination"/>. Without a buffer nobody listens there.</summary>
    Datagram,

    /// <summary>A ping is asked for: answer by <see cref="SessionEvent.Number"/>. The buffer is the taker's.</summary>
    Echo,

    /// <summary>The ping with our <see cref="SessionEvent.Number"/> was answered; without a buffer, refused for <see cref="SessionEvent.Reason"/>.</summary>
    Echoed,

    /// <summary>An IP packet; the buffer is the taker's.</summary>
    Packet,

    /// <summary>A control message of kind <see cref="SessionEvent.Number"/>; the buffer is the taker's.</summary>
    Control,

    /// <summary>What <see cref="VshpSession.Probe"/> asked was answered, after <see cref="SessionEvent.Number"/> microseconds.</summary>
    Pong,

    /// <summary>The other side's figures: <see cref="VshpSession.PeerStats"/>.</summary>
    Stats,

    /// <summary>The other side takes no new flows: <see cref="SessionEvent.Reason"/>, and <see cref="VshpSession.EndText"/>.</summary>
    GoAway,

    /// <summary>The transport is dead: close it, call Detach, and attach another.</summary>
    TransportSilent,

    /// <summary>The session is over: <see cref="VshpSession.EndReason"/>. All that was open is closed, and the transport is to be closed once Transmit gives no more.</summary>
    Ended,
}

/// <summary>One event of <see cref="VshpSession.TryNextEvent"/>. Which members are set depends on <see cref="Kind"/>.</summary>
public readonly record struct SessionEvent(
    SessionEventKind Kind, Numbered? Subject = null, VshpDestination Destination = default, PacketBuffer? Buffer = null, uint Number = 0, VshpReason Reason = VshpReason.None)
{
    /// <summary>The stream that it is about, or null.</summary>
    public VshpStream? Stream => Subject as VshpStream;

    /// <summary>The association that it is about, or null.</summary>
    public VshpAssociation? Association => Subject as VshpAssociation;

    /// <summary>The question that it is about, or null.</summary>
    public VshpQuestion? Question => Subject as VshpQuestion;
}
