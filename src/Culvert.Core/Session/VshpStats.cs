using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>Figures of a session as one side sees them: the payload of STATS, a number of 8 bytes each, in this order.</summary>
/// <param name="Seconds">Since HELLO.</param>
/// <param name="Open">Flows open.</param>
/// <param name="Opened">Flows opened ever, by either side.</param>
/// <param name="BytesSent">Bytes of DATA.</param>
/// <param name="BytesReceived">Bytes of DATA.</param>
/// <param name="DatagramsSent">Datagrams that went to a transport.</param>
/// <param name="DatagramsReceived">Datagrams that came.</param>
/// <param name="DatagramsDropped">Datagrams dropped here, either way.</param>
/// <param name="Resumes">Times that the session was attached again.</param>
public readonly record struct VshpStats(
    long Seconds, long Open, long Opened, long BytesSent, long BytesReceived, long DatagramsSent, long DatagramsReceived, long DatagramsDropped, long Resumes)
{
    /// <summary>Bytes of the payload that we write.</summary>
    public const int Size = 72;

    /// <summary>Reads the payload: what is missing is 0, what is behind is of a later version.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out VshpStats stats)
    {
        stats = default;
        Span<long> numbers = stackalloc long[Size / 8];
        numbers.Clear();
        for (int i = 0; i < numbers.Length && payload.Length >= (i + 1) * 8; i++)
        {
            if (!Number.TryRead(payload[(i * 8)..], out numbers[i]))
            {
                return false;
            }
        }

        stats = new VshpStats(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6], numbers[7], numbers[8]);
        return payload.Length % 8 == 0;
    }

    /// <summary>Writes the payload and returns its length.</summary>
    public int Write(Span<byte> payload)
    {
        ReadOnlySpan<long> numbers = [Seconds, Open, Opened, BytesSent, BytesReceived, DatagramsSent, DatagramsReceived, DatagramsDropped, Resumes];
        for (int i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt64BigEndian(payload[(i * 8)..], numbers[i]);
        }

        return Size;
    }
}
