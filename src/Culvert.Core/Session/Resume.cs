using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>A device attaches its session to another transport.</summary>
/// <param name="Version">The version that the session speaks.</param>
/// <param name="Ticket">The ticket it uses up.</param>
/// <param name="Next">The one for the next time.</param>
/// <param name="Received">Bytes of the gateway's sequence that have arrived.</param>
public readonly record struct Resume(byte Version, Bytes32 Ticket, Bytes32 Next, long Received)
{
    /// <summary>Bytes of the payload.</summary>
    public const int Size = 80;

    /// <summary>Reads the payload.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out Resume resume)
    {
        resume = default;
        if (payload.Length < Size || !payload.StartsWith(Hello.Magic) || !Number.TryRead(payload[72..], out long received))
        {
            return false;
        }

        resume = new Resume(payload[4], new Bytes32(payload.Slice(8, 32)), new Bytes32(payload.Slice(40, 32)), received);
        return !resume.Ticket.IsNone && !resume.Next.IsNone && resume.Ticket != resume.Next;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public int Write(Span<byte> payload)
    {
        Hello.Magic.CopyTo(payload);
        payload[4] = Version;
        payload[5..8].Clear();
        Ticket.Write(payload[8..]);
        Next.Write(payload[40..]);
        BinaryPrimitives.WriteInt64BigEndian(payload[72..], Received);
        return Size;
    }
}
