using System;
using System.Globalization;
using System.Text;

namespace Culvert.Core.Session;

/// <summary>The name of a device or gateway, for people: on the wire its length and its UTF-8, and in DNS-SD one label, whose limit is this one's (RFC 6763 section 4.1.1).</summary>
public static class PairName
{
    /// <summary>Most bytes of UTF-8.</summary>
    public const int MaxSize = 63;

    /// <summary>What a name is, for sentences: "A name has …".</summary>
    public static string Rule { get; } = $"1 to {MaxSize} bytes, nothing invisible, and no space at either end";

    /// <summary>Whether it can be shown and typed: 1 to <see cref="MaxSize"/> bytes, nothing invisible, no space at either end.</summary>
    public static bool IsName(string name)
    {
        if (name.Length == 0 || name != name.Trim() || Encoding.UTF8.GetByteCount(name) > MaxSize)
        {
            return false;
        }

        foreach (Rune each in name.EnumerateRunes())
        {
            if (each == Rune.ReplacementChar || Rune.GetUnicodeCategory(each) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reads length and name; false where they are no name.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out string name)
    {
        name = "";
        return bytes.Length > 0 && bytes[0] is > 0 and <= MaxSize && bytes.Length > bytes[0] && WireText.TryRead(bytes.Slice(1, bytes[0]), out name) && IsName(name);
    }

    /// <summary>Writes length and name, and returns the bytes that took. What is longer is cut at a character.</summary>
    internal static int Write(string name, Span<byte> bytes)
    {
        int length = WireText.Write(name, bytes[1..Math.Min(bytes.Length, 1 + MaxSize)]);
        bytes[0] = (byte)length;
        return 1 + length;
    }
}
