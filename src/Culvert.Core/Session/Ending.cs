using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>Why a session is over: the payload of END.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Text">The same for people; at most 255 bytes are sent.</param>
public readonly record struct Ending(VshpReason Reason, string Text)
{
    /// <summary>Bytes of the longest payload.</summary>
    public const int MaxSize = 2 + MaxText;

    private const int MaxText = 255;

    /// <summary>Reads the payload. Text that is none is left out: it is for people only.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out Ending ending)
    {
        ending = default;
        if (payload.Length < 2)
        {
            return false;
        }

        VshpReason reason = VshpReasons.FromWire(BinaryPrimitives.ReadUInt16BigEndian(payload));
        ending = new Ending(reason, payload.Length <= MaxSize && WireText.TryRead(payload[2..], out string text) ? text : "");
        return true;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public int Write(Span<byte> payload)
    {
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)Reason);
        return 2 + WireText.Write(Text ?? "", payload.Slice(2, MaxText));
    }
}
