using System;
using System.Buffers.Binary;

namespace Culvert.Core.Dns;

/// <summary>
/// Writes answers (RFC 1035 section 4). They repeat the query's identifier, question and wishes, say that recursion is there, and
/// have an EDNS record exactly when the query has one (RFC 6891 section 6.1.1).
/// </summary>
public static class DnsResponse
{
    /// <summary>The datagram size that our EDNS record offers, in bytes: what passes everywhere unfragmented (DNS flag day 2020).</summary>
    public const ushort OfferedDatagram = 1232;

    private const int RecordHead = 12;
    private const int EdnsRecord = 11;
    private const ushort PointerToQuestion = 0xC000 | DnsHeader.Size;

    /// <summary>
    /// Answers <paramref name="question"/>, read from <paramref name="query"/>. NOERROR without <paramref name="records"/> says that the name has none of
    /// that type.
    /// </summary>
    public static byte[] Write(ReadOnlySpan<byte> query, in DnsQuestion question, DnsRcode rcode, params ReadOnlySpan<DnsRecord> records)
    {
        int size = question.End + (question.HasEdns ? EdnsRecord : 0);
        foreach (DnsRecord record in records)
        {
            size += RecordHead + record.Data.Length;
        }

        byte[] message = new byte[size];
        Header(question.Header, rcode, 1, records.Length, question.HasEdns ? 1 : 0).Write(message);
        query[DnsHeader.Size..question.End].CopyTo(message.AsSpan(DnsHeader.Size));
        Span<byte> rest = message.AsSpan(question.End);
        foreach (DnsRecord record in records)
        {
            BinaryPrimitives.WriteUInt16BigEndian(rest, PointerToQuestion);
            BinaryPrimitives.WriteUInt16BigEndian(rest[2..], (ushort)record.Type);
            BinaryPrimitives.WriteUInt16BigEndian(rest[4..], question.Class);
            BinaryPrimitives.WriteUInt32BigEndian(rest[6..], record.Ttl);
            BinaryPrimitives.WriteUInt16BigEndian(rest[10..], checked((ushort)record.Data.Length));
            record.Data.Span.CopyTo(rest[RecordHead..]);
            rest = rest[(RecordHead + record.Data.Length)..];
        }

        WriteEdns(rest, question, rcode);
        return message;
    }

    /// <summary>Answers a message of which only the header could be read: that header with <paramref name="rcode"/>, and nothing else.</summary>
    public static byte[] WriteHeaderOnly(in DnsHeader query, DnsRcode rcode)
    {
        byte[] message = new byte[DnsHeader.Size];
        Header(query, rcode, 0, 0, 0).Write(message);
        return message;
    }

    /// <summary>
    /// The form of <paramref name="answer"/> (whose question equals the query's) that fits any datagram: its header with TC set, the question, and no records, so
    /// that the client asks again over TCP (RFC 2181 section 9).
    /// </summary>
    public static byte[] Truncate(ReadOnlySpan<byte> query, in DnsQuestion question, ReadOnlySpan<byte> answer)
    {
        byte[] message = Write(query, question, DnsRcode.NoError);
        ushort flags = BinaryPrimitives.ReadUInt16BigEndian(answer[2..]);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), (ushort)(flags | DnsHeader.Truncated));
        return message;
    }

    private static DnsHeader Header(in DnsHeader query, DnsRcode rcode, int questions, int answers, int additionals)
    {
        const int Kept = DnsHeader.OpcodeMask | DnsHeader.RecursionDesired | DnsHeader.CheckingDisabled;
        int flags = DnsHeader.Response | DnsHeader.RecursionAvailable | (query.Flags & Kept) | ((int)rcode & DnsHeader.RcodeMask);
        return new DnsHeader(query.Id, (ushort)flags, (ushort)questions, checked((ushort)answers), 0, (ushort)additionals);
    }

    private static void WriteEdns(Span<byte> destination, in DnsQuestion question, DnsRcode rcode)
    {
        if (!question.HasEdns)
        {
            return;
        }

        destination[0] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], (ushort)DnsType.Opt);
        BinaryPrimitives.WriteUInt16BigEndian(destination[3..], OfferedDatagram);
        destination[5] = (byte)((int)rcode >> 4);
        destination[6] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(destination[7..], (ushort)(question.WantsDnssec ? 0x8000 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(destination[9..], 0);
    }
}
