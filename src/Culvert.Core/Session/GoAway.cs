using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>The sender takes no new flows.</summary>
/// <param name="LastId">The last of the receiver's ids that was looked at; 0 for none.</param>
/// <param name="Reason">Why.</param>
/// <param name="Text">The same for people.</param>
public readonly record struct GoAway(uint LastId, VshpReason Reason, string Text)
{
    /// <summary>Bytes of the longest payload.</summary>
    public const int MaxSize = 4 + Ending.MaxSize;

    /// <summary>Reads the payload.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out GoAway goAway)
    {
        goAway = default;
        if (payload.Length < 6 || !Ending.TryRead(payload[4..], out Ending ending))
        {
            return false;
        }

        goAway = new GoAway(BinaryPrimitives.ReadUInt32BigEndian(payload), ending.Reason, ending.Text);
        return true;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public int Write(Span<byte> payload)
    {
        BinaryPrimitives.WriteUInt32BigEndian(payload, LastId);
        return 4 + new Ending(Reason, Text).Write(payload[4..]);
    }
}
