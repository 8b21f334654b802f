namespace Culvert.Core.Session;

/// <summary>What is known of a frame from its header alone, before a byte of its payload is kept.</summary>
internal static class FrameRules
{
    /// <summary>False for a type and length that no version of the protocol sends.</summary>
    public static bool Allows(in FrameHeader header)
    {
        (int least, bool onFlow) = header.Type switch
        {
            0 => (FrameHeader.MaxPayload + 1, false),
            FrameType.Open => (VshpDestination.MinSize, true),
            FrameType.Opened or FrameType.Associate or FrameType.Data => (0, true),
            FrameType.Refused or FrameType.Reset => (2, true),
            FrameType.Resolve or FrameType.Resolved => (12, true),
            FrameType.Control => (2, false),
            FrameType.GoAway => (6, false),
            FrameType.Hello => (Hello.MinSize, false),
            FrameType.Resume => (Resume.Size, false),
            FrameType.Gone => (Gone.Size, false),
            FrameType.Resumed or FrameType.Ack or FrameType.Ping or FrameType.Pong => (8, false),
            FrameType.Datagram => (VshpDestination.MinSize, true),
            FrameType.Packet => (20, false),
            FrameType.End => (2, false),
            _ => (0, header.Id != 0), // WINDOW and ECHO have any id, and what is unknown has its own rules
        };
        least = header.Type switch
        {
            FrameType.Window => 8,
            FrameType.Echo => VshpDestination.MinSize,
            _ => least,
        };
        return header.Length >= least && onFlow == (header.Id != 0);
    }
}
