namespace Culvert.Core.Session;

/// <summary>What a session has done, for tests, traces and status. Belongs to the session's loop; reading from elsewhere sees a moment's figures.</summary>
public sealed class SessionCounters
{
    /// <summary>Frames received, of any kind.</summary>
    public long FramesReceived { get; internal set; }

    /// <summary>Lasting frames handed to a transport, those that went out again included.</summary>
    public long FramesSent { get; internal set; }

    /// <summary>Frames of types that are not known here.</summary>
    public long FramesUnknown { get; internal set; }

    /// <summary>Bytes of DATA sent, once each.</summary>
    public long BytesSent { get; internal set; }

    /// <summary>Bytes of DATA received.</summary>
    public long BytesReceived { get; internal set; }

    /// <summary>Datagrams, echoes and packets handed to a transport.</summary>
    public long DatagramsSent { get; internal set; }

    /// <summary>Datagrams received.</summary>
    public long DatagramsReceived { get; internal set; }

    /// <summary>Datagrams, echoes and packets dropped for want of room or of a transport, either way.</summary>
    public long DatagramsDropped { get; internal set; }

    /// <summary>Times that the session was attached to another transport.</summary>
    public long Resumes { get; internal set; }
}
