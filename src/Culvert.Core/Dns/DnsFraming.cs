using System;
using System.Buffers.Binary;

namespace Culvert.Core.Dns;

/// <summary>DNS messages in a byte stream: each behind its length in two bytes (RFC 1035 section 4.2.2, RFC 7766 section 8).</summary>
public static class DnsFraming
{
    /// <summary>Bytes of the length in front of a message.</summary>
    public const int PrefixSize = 2;

    /// <summary>Most bytes of a message.</summary>
    public const int MaxMessage = ushort.MaxValue;

    /// <summary>
    /// Takes the first message off <paramref name="received"/>; false when it is not all there yet. The message is a slice of what was received, and empty
    /// when its length says so.
    /// </summary>
    public static bool TryTake(ref ReadOnlySpan<byte> received, out ReadOnlySpan<byte> message)
    {
        message = default;
        if (received.Length < PrefixSize)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(received);
        if (received.Length < PrefixSize + length)
        {
            return false;
        }

        message = received.Slice(PrefixSize, length);
        received = received[(PrefixSize + length)..];
        return true;
    }

    /// <summary>The message behind its length, in one piece so that it leaves in one segment (RFC 7766 section 8).</summary>
    /// <exception cref="ArgumentOutOfRangeException">Longer than <see cref="MaxMessage"/>.</exception>
    public static byte[] Frame(ReadOnlySpan<byte> message)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(message.Length, MaxMessage);
        byte[] framed = new byte[PrefixSize + message.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)message.Length);
        message.CopyTo(framed.AsSpan(PrefixSize));
        return framed;
    }
}
