using System;

namespace Culvert.Core.Session;

/// <summary>The name of a device or gateway on the wire: its length, and 1 to 64 bytes of UTF-8 without control characters.</summary>
internal static class PairName
{
    public const int MaxSize = 64;

    public static bool TryRead(ReadOnlySpan<byte> bytes, out string name)
    {
        name = "";
        return bytes.Length > 0 && bytes[0] is > 0 and <= MaxSize && bytes.Length > bytes[0] && WireText.TryRead(bytes.Slice(1, bytes[0]), out name)
            && !name.AsSpan().ContainsAnyInRange('\0', '\x1F') && !name.Contains('\x7F');
    }

    /// <summary>Writes length and name, and returns the bytes that took. What is longer is cut at a character.</summary>
    public static int Write(string name, Span<byte> bytes)
    {
        int length = WireText.Write(name, bytes[1..Math.Min(bytes.Length, 1 + MaxSize)]);
        bytes[0] = (byte)length;
        return 1 + length;
    }
}
