using System;

namespace Culvert.Core.Packets;

/// <summary>A checksum over slices, of odd lengths too, as if they stood behind each other.</summary>
internal struct ChecksumSum
{
    private ulong _sum;
    private bool _odd;

    /// <summary>A sum that begins with the pseudo-header.</summary>
    public static ChecksumSum Pseudo(IpAddr source, IpAddr destination, byte protocol, int transportLength) =>
        new() { _sum = Checksum.Pseudo(source, destination, protocol, transportLength) };

    /// <summary>Adds the next slice.</summary>
    public void Add(ReadOnlySpan<byte> slice)
    {
        ulong sum = Checksum.Sum(slice);
        _sum += _odd ? Checksum.Swap(sum) : sum;
        _odd ^= (slice.Length & 1) != 0;
    }

    /// <summary>The checksum, in host order, of what was added.</summary>
    public readonly ushort Result => Checksum.Finish(_sum);
}
