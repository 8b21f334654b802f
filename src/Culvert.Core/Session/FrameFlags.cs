namespace Culvert.Core.Session;

/// <summary>Bits of a frame's second byte; what one means depends on the type.</summary>
public static class FrameFlags
{
    /// <summary>No bit.</summary>
    public const byte None = 0;

    /// <summary>DATA: nothing follows.</summary>
    public const byte Fin = 1;

    /// <summary>DATAGRAM: the destination answered that nobody listens.</summary>
    public const byte Unreachable = 1;

    /// <summary>ECHOED: a reason instead of an answer.</summary>
    public const byte Refused = 1;

    /// <summary>STATS: the sender would like to have the other's.</summary>
    public const byte Ask = 1;
}
