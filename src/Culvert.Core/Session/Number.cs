using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>A number of 64 bits, below 2^53 for the sake of readers in JavaScript.</summary>
internal static class Number
{
    /// <summary>Every number is below.</summary>
    public const ulong Bound = 1UL << 53;

    /// <summary>Reads one from the first eight bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out long number)
    {
        ulong read = bytes.Length >= sizeof(ulong) ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : Bound;
        number = (long)read;
        return read < Bound;
    }
}
