using System;
using System.Buffers.Binary;

namespace Culvert.Core.Packets;

/// <summary>The first eight bytes of an ICMP message of either version (RFC 792, RFC 4443).</summary>
public readonly struct IcmpHeader
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 8;

    /// <summary>The version's message type.</summary>
    public byte Type { get; private init; }

    /// <summary>The type's code.</summary>
    public byte Code { get; private init; }

    /// <summary>As it stands.</summary>
    public ushort Checksum { get; private init; }

    /// <summary>Echo: the identifier.</summary>
    public ushort Identifier { get; private init; }

    /// <summary>Echo: the sequence number.</summary>
    public ushort Sequence { get; private init; }

    /// <summary>The four bytes of identifier and sequence as a number; an IPv6 packet-too-big message holds the MTU there.</summary>
    public uint Rest => ((uint)Identifier << 16) | Sequence;

    /// <summary>Reads the header of <paramref name="message"/>; false when it does not fit in.</summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out IcmpHeader header)
    {
        if (message.Length < Size)
        {
            header = default;
            return false;
        }

        header = new IcmpHeader
        {
            Type = message[0],
            Code = message[1],
            Checksum = BinaryPrimitives.ReadUInt16BigEndian(message[2..]),
            Identifier = BinaryPrimitives.ReadUInt16BigEndian(message[4..]),
            Sequence = BinaryPrimitives.ReadUInt16BigEndian(message[6..]),
        };
        return true;
    }

    /// <summary>Whether a message of this type tells of an error, so that no error may answer it (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)).</summary>
    public static bool IsError(byte version, byte type) => version == 4
        ? type is IcmpType.Unreachable or IcmpType.SourceQuench or IcmpType.Redirect or IcmpType.TimeExceeded or IcmpType.ParameterProblem
        : type < 128 || type == IcmpType.RedirectV6;
}
