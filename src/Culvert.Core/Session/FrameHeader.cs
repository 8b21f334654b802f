using System;
using System.Buffers.Binary;

namespace Culvert.Core.Session;

/// <summary>The eight bytes in front of every payload.</summary>
/// <param name="Type">What the frame is; may be one that nobody knows.</param>
/// <param name="Flags">What its flags mean depends on the type.</param>
/// <param name="Length">Bytes of payload.</param>
/// <param name="Id">The flow or exchange; 0 for the session.</param>
public readonly record struct FrameHeader(FrameType Type, byte Flags, ushort Length, uint Id)
{
    /// <summary>Bytes of a header.</summary>
    public const int Size = 8;

    /// <summary>The largest payload.</summary>
    public const int MaxPayload = ushort.MaxValue;

    /// <summary>The frame counts in its sender's sequence.</summary>
    public bool IsLasting => (byte)Type < 0x80;

    /// <summary>Header and payload.</summary>
    public int FrameLength => Size + Length;

    /// <summary>Reads a header; false where there are fewer than <see cref="Size"/> bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHeader header)
    {
        if (bytes.Length < Size)
        {
            header = default;
            return false;
        }

        ulong word = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        header = new FrameHeader((FrameType)(word >> 56), (byte)(word >> 48), (ushort)(word >> 32), (uint)word);
        return true;
    }

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> bytes) =>
        BinaryPrimitives.WriteUInt64BigEndian(bytes, ((ulong)Type << 56) | ((ulong)Flags << 48) | ((ulong)Length << 32) | Id);
}
