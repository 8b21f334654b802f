using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>A gateway's answer to a ticket it cannot take.</summary>
/// <param name="Reason">TicketUnknown or TicketUsed.</param>
/// <param name="Instance">The gateway's number: another than in its HELLO means that it was restarted.</param>
public readonly record struct Gone(VshpReason Reason, ulong Instance)
{
    /// <summary>Bytes of the payload.</summary>
    public const int Size = 10;

    /// <summary>Reads the payload.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out Gone gone)
    {
        gone = default;
        if (payload.Length < Size || !Number.TryRead(payload[2..], out long instance))
        {
            return false;
        }

        gone = new Gone(VshpReasons.FromWire(BinaryPrimitives.ReadUInt16BigEndian(payload)), (ulong)instance);
        return true;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public int Write(Span<byte> payload)
    {
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)Reason);
        BinaryPrimitives.WriteUInt64BigEndian(payload[2..], Instance);
        return Size;
    }
}
