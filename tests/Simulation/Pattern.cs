using System;
using System.Buffers.Binary;

namespace Culvert.Tests.Simulation;

/// <summary>
/// The content of a stream as a function of seed and offset, so that every byte can be checked where it arrives without keeping what was sent.
/// </summary>
internal static class Pattern
{
    public static void Fill(Span<byte> bytes, ulong seed, long offset)
    {
        Span<byte> word = stackalloc byte[8];
        for (int i = 0; i < bytes.Length;)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, Word(seed, offset + i));
            int within = (int)((offset + i) & 7);
            int take = Math.Min(8 - within, bytes.Length - i);
            word.Slice(within, take).CopyTo(bytes[i..]);
            i += take;
        }
    }

    /// <summary>Index of the first byte that is not the stream's, or -1.</summary>
    public static int FirstDifference(ReadOnlySpan<byte> bytes, ulong seed, long offset)
    {
        Span<byte> word = stackalloc byte[8];
        for (int i = 0; i < bytes.Length;)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, Word(seed, offset + i));
            int within = (int)((offset + i) & 7);
            int take = Math.Min(8 - within, bytes.Length - i);
            int same = bytes.Slice(i, take).CommonPrefixLength(word.Slice(within, take));
            if (same < take)
            {
                return i + same;
            }

            i += take;
        }

        return -1;
    }

    private static ulong Word(ulong seed, long offset) => Randomness.Mix(seed ^ ((ulong)(offset >> 3) * 0x9E37_79B9_7F4A_7C15));
}
