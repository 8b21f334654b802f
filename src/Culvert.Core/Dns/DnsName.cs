using System;

namespace Culvert.Core.Dns;

/// <summary>
/// Domain names between wire form and text (RFC 1035 sections 3.1, 4.1.4 and 5.1). Text is in lower case, without the dot at the end;
/// the root is the empty string. A dot or backslash inside a label is escaped by a backslash, bytes outside printable ASCII as
/// <c>\DDD</c>, so that two names are equal exactly when their texts are.
/// </summary>
public static class DnsName
{
    /// <summary>Most bytes of a label.</summary>
    public const int MaxLabel = 63;

    /// <summary>Most bytes of a whole name on the wire, lengths and the root's zero included.</summary>
    public const int MaxWire = 255;

    private const int PointerSize = 2;
    private const int MaxText = (MaxWire * 4) + 1;

    /// <summary>
    /// Reads the name at <paramref name="offset"/> and moves the offset behind it. A compression pointer must lead to an earlier place than every
    /// one before it and not into the header, so that reading ends. False for anything else; the offset is then meaningless.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> message, ref int offset, out string name)
    {
        name = "";
        Span<char> text = stackalloc char[MaxText];
        int length = 0;
        int wire = 1;
        int at = offset;
        int earliest = offset;
        bool jumped = false;
        while ((uint)at < (uint)message.Length)
        {
            int size = message[at];
            if (size == 0)
            {
                offset = jumped ? offset : at + 1;
                name = new string(text[..Math.Max(0, length - 1)]);
                return true;
            }

            if ((size & 0xC0) == 0xC0)
            {
                if (at + PointerSize > message.Length)
                {
                    return false;
                }

                int target = ((size & 0x3F) << 8) | message[at + 1];
                if (target >= earliest || target < DnsHeader.Size)
                {
                    return false;
                }

                offset = jumped ? offset : at + PointerSize;
                jumped = true;
                earliest = target;
                at = target;
                continue;
            }

            wire += size + 1;
            if (size > MaxLabel || wire > MaxWire || at + 1 + size > message.Length)
            {
                return false;
            }

            foreach (byte b in message.Slice(at + 1, size))
            {
                length += WriteText(b, text[length..]);
            }

            text[length++] = '.';
            at += size + 1;
        }

        return false;
    }

    /// <summary>
    /// Writes the name at <paramref name="offset"/> out in wire form, without pointers and in the case it has, and moves the offset behind it; the same names as in
    /// <see cref="TryRead"/>. <paramref name="destination"/> of <see cref="MaxWire"/> bytes holds any.
    /// </summary>
    public static bool TryExpand(ReadOnlySpan<byte> message, ref int offset, Span<byte> destination, out int written)
    {
        written = 0;
        int at = offset;
        int earliest = offset;
        bool jumped = false;
        while ((uint)at < (uint)message.Length)
        {
            int size = message[at];
            if ((size & 0xC0) == 0xC0)
            {
                int target = at + PointerSize <= message.Length ? ((size & 0x3F) << 8) | message[at + 1] : earliest;
                if (target >= earliest || target < DnsHeader.Size)
                {
                    return false;
                }

                offset = jumped ? offset : at + PointerSize;
                jumped = true;
                earliest = target;
                at = target;
                continue;
            }

            if (size > MaxLabel || written + size + 1 > MaxWire || at + 1 + size > message.Length)
            {
                return false;
            }

            message.Slice(at, size + 1).CopyTo(destination[written..]);
            written += size + 1;
            at += size + 1;
            if (size == 0)
            {
                offset = jumped ? offset : at;
                return true;
            }
        }

        return false;
    }

    /// <summary>Moves <paramref name="offset"/> behind the name there without reading what a pointer leads to.</summary>
    public static bool TrySkip(ReadOnlySpan<byte> message, ref int offset)
    {
        while ((uint)offset < (uint)message.Length)
        {
            int size = message[offset];
            if (size > MaxLabel)
            {
                offset += PointerSize;
                return (size & 0xC0) == 0xC0 && offset <= message.Length;
            }

            offset += size + 1;
            if (size == 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Writes <paramref name="text"/> in wire form, uncompressed; <paramref name="destination"/> of <see cref="MaxWire"/> bytes holds any. False when
    /// a label is empty or too long, the whole is too long, or an escape is none. A dot at the end is allowed.
    /// </summary>
    public static bool TryWrite(ReadOnlySpan<char> text, Span<byte> destination, out int written)
    {
        written = 0;
        int limit = Math.Min(destination.Length, MaxWire);
        while (!text.IsEmpty)
        {
            int start = written++;
            while (!text.IsEmpty && text[0] != '.')
            {
                // One byte stays free for the root's zero.
                if (written >= limit - 1 || !TryReadText(ref text, out byte value))
                {
                    return false;
                }

                destination[written++] = value;
            }

            int size = written - start - 1;
            if (size is 0 or > MaxLabel)
            {
                return false;
            }

            destination[start] = (byte)size;
            text = text.IsEmpty ? text : text[1..];
        }

        if (written >= limit)
        {
            return false;
        }

        destination[written++] = 0;
        return true;
    }

    private static int WriteText(byte value, Span<char> text)
    {
        switch (value)
        {
            case (byte)'.' or (byte)'\\':
                text[0] = '\\';
                text[1] = (char)value;
                return 2;
            case > 0x20 and < 0x7F:
                text[0] = char.ToLowerInvariant((char)value);
                return 1;
            default:
                text[0] = '\\';
                text[1] = (char)('0' + (value / 100));
                text[2] = (char)('0' + (value / 10 % 10));
                text[3] = (char)('0' + (value % 10));
                return 4;
        }
    }

    private static bool TryReadText(ref ReadOnlySpan<char> text, out byte value)
    {
        char first = text[0];
        value = (byte)first;
        if (first != '\\')
        {
            text = text[1..];
            return first < 0x80;
        }

        if (text.Length >= 4 && char.IsAsciiDigit(text[1]))
        {
            bool ok = byte.TryParse(text.Slice(1, 3), System.Globalization.NumberStyles.None, null, out value);
            text = text[4..];
            return ok;
        }

        if (text.Length < 2 || char.IsAsciiDigit(text[1]) || text[1] >= 0x80)
        {
            return false;
        }

        value = (byte)text[1];
        text = text[2..];
        return true;
    }
}
