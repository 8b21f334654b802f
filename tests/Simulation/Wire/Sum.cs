using System;

namespace Culvert.Tests.Simulation.Wire;

/// <summary>The Internet checksum (RFC 1071), plainly: this project reads and writes headers with code of its own, to agree with no mistake of ours.</summary>
internal static class Sum
{
    public static uint Add(uint sum, ReadOnlySpan<byte> bytes)
    {
        ulong total = sum;
        int i = 0;
        for (; i + 4 <= bytes.Length; i += 4)
        {
            // Four bytes at a time fold to the same sum, since 2^16 is congruent to 1.
            total += (uint)((bytes[i] << 24) | (bytes[i + 1] << 16) | (bytes[i + 2] << 8) | bytes[i + 3]);
        }

        for (; i < bytes.Length; i++)
        {
            total += (i & 1) == 0 ? (uint)bytes[i] << 8 : bytes[i];
        }

        return Fold(total);
    }

    public static ushort Finish(uint sum) => (ushort)~Fold(sum);

    public static uint Fold(ulong total)
    {
        while (total >> 16 != 0)
        {
            total = (total & 0xFFFF) + (total >> 16);
        }

        return (uint)total;
    }
}
