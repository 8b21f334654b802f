using System;
using System.Text;

namespace Culvert.Core.Session;

/// <summary>Text on the wire.</summary>
internal static class WireText
{
    /// <summary>Reads all of <paramref name="bytes"/>; false where they are no UTF-8.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out string text)
    {
        bool valid = System.Text.Unicode.Utf8.IsValid(bytes);
        text = valid ? Encoding.UTF8.GetString(bytes) : "";
        return valid;
    }

    /// <summary>Writes as much of <paramref name="text"/> as fits into <paramref name="bytes"/> in whole characters; returns the bytes written.</summary>
    public static int Write(string text, Span<byte> bytes)
    {
        System.Text.Unicode.Utf8.FromUtf16(text, bytes, out _, out int written);
        return written;
    }
}
