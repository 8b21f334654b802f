namespace Culvert.Core.Stack.Tcp;

/// <summary>The states of RFC 9293 section 3.3.2, and one before them: a SYN that waits for the exit.</summary>
internal enum TcpState : byte
{
    /// <summary>The SYN is not answered yet.</summary>
    Opening,
    SynSent,
    SynReceived,
    Established,
    CloseWait,
    FinWait1,
    FinWait2,
    Closing,
    LastAck,
    TimeWait,

    /// <summary>Out of the table; the user may still hold its memory.</summary>
    Closed,
}
