using System;
using System.Buffers.Binary;

namespace Culvert.Transports;

/// <summary>What the first bytes of a TLS connection are.</summary>
internal enum ClientHelloKind
{
    /// <summary>Not all of it is there.</summary>
    Incomplete,

    /// <summary>No ClientHello.</summary>
    Foreign,

    /// <summary>One that does not offer the protocol.</summary>
    Without,

    /// <summary>One that does.</summary>
    Offers,
}

/// <summary>
/// Reads of a ClientHello (RFC 8446 section 4.1.2) whether it offers a protocol (ALPN, RFC 7301 section 3.1), before anything is answered: who offers ours is a device, and everybody else is to
/// meet an ordinary web server from the handshake on.
/// </summary>
internal static class ClientHello
{
    /// <summary>Bytes of the longest that is read, records' headers included; a longer one offers nothing of ours.</summary>
    public const int MaxSize = 16 << 10;

    private const byte HandshakeRecord = 22;
    private const byte HelloMessage = 1;
    private const ushort Alpn = 16;
    private const int RecordHeader = 5;
    private const int Fixed = 34;
    private const int MaxRecord = 1 << 14;

    /// <summary>Looks at all that has come so far.</summary>
    public static ClientHelloKind Read(ReadOnlySpan<byte> received, ReadOnlySpan<byte> protocol)
    {
        Span<byte> message = received.Length <= MaxSize ? stackalloc byte[received.Length] : [];
        int length = 0;
        while (received.Length >= RecordHeader)
        {
            int size = BinaryPrimitives.ReadUInt16BigEndian(received[3..]);
            if (received[0] != HandshakeRecord || received[1] != 3 || size is 0 or > MaxRecord || message.IsEmpty)
            {
                return ClientHelloKind.Foreign;
            }

            int there = Math.Min(size, received.Length - RecordHeader);
            received.Slice(RecordHeader, there).CopyTo(message[length..]);
            length += there;
            received = received[(RecordHeader + there)..];
            if (length > 0 && message[0] != HelloMessage)
            {
                return ClientHelloKind.Foreign;
            }

            if (length >= 4 && ((message[1] << 16) | BinaryPrimitives.ReadUInt16BigEndian(message[2..])) is int whole && length - 4 >= whole)
            {
                return ReadMessage(message.Slice(4, whole), protocol);
            }

            if (there < size)
            {
                return ClientHelloKind.Incomplete;
            }
        }

        return received.IsEmpty || received[0] == HandshakeRecord ? ClientHelloKind.Incomplete : ClientHelloKind.Foreign;
    }

    private static ClientHelloKind ReadMessage(ReadOnlySpan<byte> message, ReadOnlySpan<byte> protocol)
    {
        // Version and random; then the session's id, the ciphers and the compressions, each behind its length.
        if (message.Length < Fixed)
        {
            return ClientHelloKind.Foreign;
        }

        message = message[Fixed..];
        if (!TryTake(ref message, 1, out _) || !TryTake(ref message, 2, out _) || !TryTake(ref message, 1, out _))
        {
            return ClientHelloKind.Foreign;
        }

        if (!TryTake(ref message, 2, out ReadOnlySpan<byte> extensions))
        {
            return ClientHelloKind.Without;
        }

        while (extensions.Length >= 2)
        {
            ushort type = BinaryPrimitives.ReadUInt16BigEndian(extensions);
            extensions = extensions[2..];
            if (!TryTake(ref extensions, 2, out ReadOnlySpan<byte> content))
            {
                return ClientHelloKind.Foreign;
            }

            if (type == Alpn && TryTake(ref content, 2, out ReadOnlySpan<byte> names))
            {
                while (TryTake(ref names, 1, out ReadOnlySpan<byte> name))
                {
                    if (name.SequenceEqual(protocol))
                    {
                        return ClientHelloKind.Offers;
                    }
                }
            }
        }

        return ClientHelloKind.Without;
    }

    /// <summary>Takes a vector off: its length in so many bytes, and as many bytes.</summary>
    private static bool TryTake(ref ReadOnlySpan<byte> bytes, int lengthSize, out ReadOnlySpan<byte> content)
    {
        content = default;
        if (bytes.Length < lengthSize)
        {
            return false;
        }

        int length = lengthSize == 1 ? bytes[0] : BinaryPrimitives.ReadUInt16BigEndian(bytes);
        if (bytes.Length - lengthSize < length)
        {
            return false;
        }

        content = bytes.Slice(lengthSize, length);
        bytes = bytes[(lengthSize + length)..];
        return true;
    }
}
