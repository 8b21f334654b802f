namespace Culvert.Core.Session;

/// <summary>The first byte of a frame (docs/protocol.md). Types below 0x80 are lasting, the others passing.</summary>
public enum FrameType : byte
{
    /// <summary>Asks for a connection.</summary>
    Open = 0x01,

    /// <summary>It is connected, or associated.</summary>
    Opened = 0x02,

    /// <summary>It is not, or a question has no answer.</summary>
    Refused = 0x03,

    /// <summary>Bytes of a stream, and with <see cref="FrameFlags.Fin"/> its end.</summary>
    Data = 0x04,

    /// <summary>How far the other may send.</summary>
    Window = 0x05,

    /// <summary>Ends a flow both ways.</summary>
    Reset = 0x06,

    /// <summary>Asks for a UDP endpoint.</summary>
    Associate = 0x07,

    /// <summary>A DNS message to be answered.</summary>
    Resolve = 0x08,

    /// <summary>The answer.</summary>
    Resolved = 0x09,

    /// <summary>What belongs to no flow.</summary>
    Control = 0x0A,

    /// <summary>No new flows are taken.</summary>
    GoAway = 0x0B,

    /// <summary>Begins a session.</summary>
    Hello = 0x80,

    /// <summary>Attaches a session to this transport.</summary>
    Resume = 0x81,

    /// <summary>It is attached.</summary>
    Resumed = 0x82,

    /// <summary>There is no such session any more.</summary>
    Gone = 0x83,

    /// <summary>How much of the sequence has arrived.</summary>
    Ack = 0x84,

    /// <summary>Asks for a sign of life.</summary>
    Ping = 0x85,

    /// <summary>The sign.</summary>
    Pong = 0x86,

    /// <summary>A UDP datagram.</summary>
    Datagram = 0x87,

    /// <summary>An ICMP echo request.</summary>
    Echo = 0x88,

    /// <summary>Its answer.</summary>
    Echoed = 0x89,

    /// <summary>An IP packet.</summary>
    Packet = 0x8A,

    /// <summary>Figures of the session.</summary>
    Stats = 0x8B,

    /// <summary>The last frame of a session.</summary>
    End = 0x8C,

    /// <summary>Pairing: the device's commitment.</summary>
    PairOffer = 0x90,

    /// <summary>Pairing: the gateway's nonce.</summary>
    PairAnswer = 0x91,

    /// <summary>Pairing: the device's nonce and proof.</summary>
    PairReveal = 0x92,

    /// <summary>Pairing: the gateway's proof.</summary>
    PairCheck = 0x93,

    /// <summary>Pairing: the digits are the same.</summary>
    PairConfirm = 0x94,

    /// <summary>Pairing: how it ended.</summary>
    PairDone = 0x95,
}
