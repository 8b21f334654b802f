using System;
using System.Buffers.Binary;

namespace Culvert.Platform.Netlink;

/// <summary>
/// A netlink request being written (linux/netlink.h, linux/rtnetlink.h): header, fixed part, attributes, each padded to four bytes. Netlink
/// is in the byte order of the host, which is little-endian on every machine this runs on.
/// </summary>
internal ref struct NetlinkRequest
{
    private const int HeaderSize = 16;
    private const ushort RequestFlag = 1;
    private const ushort AcknowledgeFlag = 4;
    private readonly Span<byte> _buffer;
    private int _length;

    public NetlinkRequest(Span<byte> buffer, ushort type, ushort flags, scoped ReadOnlySpan<byte> body)
    {
        _buffer = buffer;
        _buffer.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(buffer[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(buffer[6..], (ushort)(flags | RequestFlag | AcknowledgeFlag));
        body.CopyTo(buffer[HeaderSize..]);
        _length = HeaderSize + Padded(body.Length);
    }

    public void Attribute(ushort type, scoped ReadOnlySpan<byte> value)
    {
        int start = Open(type);
        value.CopyTo(_buffer[_length..]);
        _length += value.Length;
        Close(start);
    }

    public void Attribute(ushort type, uint value)
    {
        int start = Open(type);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer[_length..], value);
        _length += sizeof(uint);
        Close(start);
    }

    /// <summary>Begins an attribute made of attributes; returns what <see cref="Close"/> wants.</summary>
    public int Open(ushort type)
    {
        int start = _length;
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer[(start + 2)..], type);
        _length += 4;
        return start;
    }

    public void Close(int start)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer[start..], (ushort)(_length - start));
        _length = Padded(_length);
    }

    /// <summary>The finished request.</summary>
    public readonly ReadOnlySpan<byte> Finish()
    {
        BinaryPrimitives.WriteInt32LittleEndian(_buffer, _length);
        return _buffer[.._length];
    }

    private static int Padded(int length) => (length + 3) & ~3;
}
