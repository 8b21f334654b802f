using System;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Culvert.Platform.Channel;

/// <summary>Writes the lists of a <see cref="TunnelState"/>.</summary>
internal ref struct StateWriter(Span<byte> buffer, int length)
{
    private readonly Span<byte> _buffer = buffer;

    /// <summary>Bytes written, those in front included.</summary>
    public int Length { get; private set; } = length;

    public void Count(int count)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer[Length..], (ushort)count);
        Length += sizeof(ushort);
    }

    public void Address(IPAddress address, int prefixLength)
    {
        _buffer[Length++] = address.AddressFamily == AddressFamily.InterNetwork ? (byte)4 : (byte)6;
        _buffer[Length++] = (byte)prefixLength;
        address.TryWriteBytes(_buffer[Length..], out int written);
        Length += written;
    }

    public void Bypass(Bypass bypass)
    {
        Address(bypass.Destination.BaseAddress, bypass.Destination.PrefixLength);
        _buffer[Length++] = bypass.Protocol;
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer[Length..], bypass.Port);
        Length += sizeof(ushort);
    }
}
