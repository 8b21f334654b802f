using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Culvert.Core.Packets;

/// <summary>
/// The Internet checksum (RFC 1071). Sums are kept in the machine's byte order, where they come out the same but for the order of the
/// result's two bytes (RFC 1071 section 2 (B)), so nothing is swapped per word.
/// </summary>
internal static class Checksum
{
    /// <summary>The checksum of <paramref name="data"/>: 0 when it holds its own right checksum.</summary>
    public static ushort Compute(ReadOnlySpan<byte> data) => Finish(Sum(data));

    /// <summary>
    /// The checksum of a transport header (its checksum field being zero) and its payload, under the pseudo-header of their
    /// addresses. UDP's substitution of 0xFFFF for zero is the caller's (<see cref="UdpHeader"/> does it).
    /// </summary>
    public static ushort Transport(IpAddr source, IpAddr destination, byte protocol, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        ulong sum = Pseudo(source, destination, protocol, header.Length + payload.Length) + Sum(header);
        ulong rest = Sum(payload);
        return Finish(sum + ((header.Length & 1) == 0 ? rest : Swap(rest)));
    }

    /// <summary>
    /// What stands in the checksum field of a packet whose checksum the device completes (virtio 1.2 section 5.1.6.2): the sum
    /// of the pseudo-header, not complemented.
    /// </summary>
    public static ushort Partial(IpAddr source, IpAddr destination, byte protocol, int transportLength) =>
        (ushort)~Finish(Pseudo(source, destination, protocol, transportLength));

    /// <summary>
    /// Whether the checksum of the transport header and payload in <paramref name="transport"/> is right. Zero means "none" for UDP
    /// over IPv4 and is refused over IPv6 (RFC 8200 section 8.1). Protocols without a checksum that we know are right.
    /// </summary>
    public static bool IsTransportValid(in IpHeader ip, ReadOnlySpan<byte> transport)
    {
        switch (ip.Protocol)
        {
            case IpProtocol.Tcp:
                return IsValid(ip, transport);
            case IpProtocol.IcmpV6 when ip.Version == 6:
                return IsValid(ip, transport);
            case IpProtocol.Icmp when ip.Version == 4:
                return Compute(transport) == 0;
            case IpProtocol.Udp:
                if (!UdpHeader.TryParse(transport, out UdpHeader udp))
                {
                    return false;
                }

                return udp.Checksum == 0 ? ip.Version == 4 : IsValid(ip, transport[..udp.Length]);
            default:
                return true;
        }
    }

    /// <summary>The checksum after one 16-bit word under it has changed (RFC 1624, equation 3). All in host order.</summary>
    public static ushort Update(ushort checksum, ushort before, ushort after)
    {
        uint sum = (uint)(ushort)~checksum + (ushort)~before + after;
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~((sum & 0xFFFF) + (sum >> 16));
    }

    /// <summary>The unfolded sum of <paramref name="data"/> in machine order; an odd last byte counts as if a zero followed.</summary>
    internal static ulong Sum(ReadOnlySpan<byte> data)
    {
        ref byte start = ref MemoryMarshal.GetReference(data);
        int length = data.Length;
        int at = 0;
        ulong sum = 0;
        if (Vector512.IsHardwareAccelerated && length >= 256)
        {
            Vector512<ulong> low = Vector512<ulong>.Zero, high = Vector512<ulong>.Zero;
            Vector512<ulong> mask = Vector512.Create(0xFFFF_FFFFUL);
            for (; at <= length - 64; at += 64)
            {
                Vector512<ulong> words = Vector512.LoadUnsafe(ref start, (nuint)at).AsUInt64();
                low += words & mask;
                high += words >>> 32;
            }

            sum = Vector512.Sum(low) + Vector512.Sum(high);
        }
        else if (Vector256.IsHardwareAccelerated && length >= 128)
        {
            Vector256<ulong> low = Vector256<ulong>.Zero, high = Vector256<ulong>.Zero;
            Vector256<ulong> mask = Vector256.Create(0xFFFF_FFFFUL);
            for (; at <= length - 32; at += 32)
            {
                Vector256<ulong> words = Vector256.LoadUnsafe(ref start, (nuint)at).AsUInt64();
                low += words & mask;
                high += words >>> 32;
            }

            sum = Vector256.Sum(low) + Vector256.Sum(high);
        }

        for (; at <= length - 8; at += 8)
        {
            ulong words = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, at));
            sum += (words & 0xFFFF_FFFF) + (words >> 32);
        }

        if ((length & 4) != 0)
        {
            sum += Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref start, at));
            at += 4;
        }

        if ((length & 2) != 0)
        {
            sum += Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref start, at));
            at += 2;
        }

        if ((length & 1) != 0)
        {
            byte last = Unsafe.Add(ref start, at);
            sum += BitConverter.IsLittleEndian ? last : (uint)last << 8;
        }

        return sum;
    }

    /// <summary>The sum moved by one byte, for a slice that begins at an odd place of the whole.</summary>
    internal static ulong Swap(ulong sum) => BinaryPrimitives.ReverseEndianness(Fold(sum));

    /// <summary>The checksum, in host order, of a sum.</summary>
    internal static ushort Finish(ulong sum)
    {
        ushort folded = Fold(sum);
        return (ushort)~(BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(folded) : folded);
    }

    /// <summary>The sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1), unfolded.</summary>
    internal static ulong Pseudo(IpAddr source, IpAddr destination, byte protocol, int transportLength)
    {
        // Both versions' pseudo-headers come to the same: two addresses, a length and a protocol number. Their order is no matter.
        uint tail = protocol + ((uint)transportLength & 0xFFFF) + ((uint)transportLength >> 16);
        return HostOrder(source) + HostOrder(destination) + (BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(tail) : tail);
    }

    private static bool IsValid(in IpHeader ip, ReadOnlySpan<byte> transport) =>
        Finish(Pseudo(ip.Source, ip.Destination, ip.Protocol, transport.Length) + Sum(transport)) == 0;

    private static ulong HostOrder(IpAddr address)
    {
        if (address.IsV4)
        {
            return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(address.V4) : address.V4;
        }

        UInt128 bits = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(address.Bits) : address.Bits;
        ulong low = (ulong)bits, high = (ulong)(bits >> 64);
        return (low & 0xFFFF_FFFF) + (low >> 32) + (high & 0xFFFF_FFFF) + (high >> 32);
    }

    private static ushort Fold(ulong sum)
    {
        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        uint half = (uint)sum;
        half = (half & 0xFFFF) + (half >> 16);
        half = (half & 0xFFFF) + (half >> 16);
        return (ushort)half;
    }
}

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
