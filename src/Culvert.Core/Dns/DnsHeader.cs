using System;
using System.Buffers.Binary;

namespace Culvert.Core.Dns;

/// <summary>The first 12 bytes of every DNS message (RFC 1035 section 4.1.1).</summary>
/// <param name="Id">Chosen by who asks, repeated by who answers.</param>
/// <param name="Flags">The second 16 bits as they are on the wire.</param>
/// <param name="Questions">Entries of the question section.</param>
/// <param name="Answers">Records of the answer section.</param>
/// <param name="Authorities">Records of the authority section.</param>
/// <param name="Additionals">Records of the additional section.</param>
public readonly record struct DnsHeader(ushort Id, ushort Flags, ushort Questions, ushort Answers, ushort Authorities, ushort Additionals)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 12;

    /// <summary>QR: the message is an answer.</summary>
    internal const ushort Response = 0x8000;

    /// <summary>AA: who answers knows by itself.</summary>
    internal const ushort Authoritative = 0x0400;

    /// <summary>TC: the answer was cut to fit a datagram.</summary>
    internal const ushort Truncated = 0x0200;

    /// <summary>RD: recursion is wanted.</summary>
    internal const ushort RecursionDesired = 0x0100;

    /// <summary>RA: recursion is offered.</summary>
    internal const ushort RecursionAvailable = 0x0080;

    /// <summary>CD: who asks checks DNSSEC itself (RFC 4035 section 3.2.2).</summary>
    internal const ushort CheckingDisabled = 0x0010;

    internal const ushort OpcodeMask = 0x7800;
    internal const ushort RcodeMask = 0x000F;

    /// <summary>True for an answer, false for a query.</summary>
    public bool IsResponse => (Flags & Response) != 0;

    /// <summary>True when the answer was cut to fit a datagram: ask again over TCP.</summary>
    public bool IsTruncated => (Flags & Truncated) != 0;

    /// <summary>The kind of query; 0 is the ordinary one.</summary>
    public int Opcode => (Flags & OpcodeMask) >> 11;

    /// <summary>How the answer went, without the bits that EDNS adds.</summary>
    public DnsRcode Rcode => (DnsRcode)(Flags & RcodeMask);

    /// <summary>Reads the header; false when <paramref name="message"/> is too short to have one.</summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out DnsHeader header)
    {
        if (message.Length < Size)
        {
            header = default;
            return false;
        }

        header = new DnsHeader(
            BinaryPrimitives.ReadUInt16BigEndian(message),
            BinaryPrimitives.ReadUInt16BigEndian(message[2..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[4..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[6..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[8..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[10..]));
        return true;
    }

    /// <summary>Writes the <see cref="Size"/> bytes to the start of <paramref name="message"/>.</summary>
    public void Write(Span<byte> message)
    {
        BinaryPrimitives.WriteUInt16BigEndian(message, Id);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Flags);
        BinaryPrimitives.WriteUInt16BigEndian(message[4..], Questions);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], Answers);
        BinaryPrimitives.WriteUInt16BigEndian(message[8..], Authorities);
        BinaryPrimitives.WriteUInt16BigEndian(message[10..], Additionals);
    }
}
