using System;
using System.Buffers.Binary;

namespace Culvert.Core.Dns;

/// <summary>What a query asks (RFC 1035 section 4.1.2), and what EDNS says about who asks (RFC 6891 section 6).</summary>
public readonly record struct DnsQuestion
{
    /// <summary>The Internet's class; there is hardly another.</summary>
    public const ushort Internet = 1;

    /// <summary>Largest answer in a datagram to a client without EDNS, in bytes (RFC 1035 section 4.2.1).</summary>
    public const int PlainDatagram = 512;

    /// <summary>Largest answer in a datagram that is sent whatever EDNS offers, in bytes (RFC 6891 section 6.2.5); longer ones are cut, and fetched over TCP.</summary>
    public const int MaxDatagram = 4096;

    /// <summary>The query's header.</summary>
    public DnsHeader Header { get; private init; }

    /// <summary>The name asked for, as <see cref="DnsName"/> writes it.</summary>
    public string Name { get; private init; }

    /// <summary>The record type asked for.</summary>
    public DnsType Type { get; private init; }

    /// <summary>The class asked for.</summary>
    public ushort Class { get; private init; }

    /// <summary>Where the question section ends in the message.</summary>
    public int End { get; private init; }

    /// <summary>True when the query has an EDNS record, and the answer must have one.</summary>
    public bool HasEdns { get; private init; }

    /// <summary>The datagram size that EDNS offers, in bytes.</summary>
    public int EdnsSize { get; private init; }

    /// <summary>The version of EDNS; 0 is the only one there is.</summary>
    public byte EdnsVersion { get; private init; }

    /// <summary>DO: who asks wants DNSSEC records (RFC 3225).</summary>
    public bool WantsDnssec { get; private init; }

    /// <summary>Largest answer in a datagram that this client takes, in bytes.</summary>
    public int DatagramLimit => HasEdns ? Math.Clamp(EdnsSize, PlainDatagram, MaxDatagram) : PlainDatagram;

    /// <summary>
    /// Reads a whole query. False when it is not an ordinary query with exactly one question and at most one EDNS record, all records of it inside the message.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out DnsQuestion question)
    {
        if (!TryParseSection(message, out question))
        {
            return false;
        }

        DnsHeader header = question.Header;
        if (header.IsResponse || header.Opcode != 0)
        {
            return false;
        }

        int offset = question.End;
        int others = header.Answers + header.Authorities;
        for (int i = 0; i < others + header.Additionals; i++)
        {
            int owner = offset;
            if (!DnsName.TrySkip(message, ref offset) || offset + 10 > message.Length)
            {
                return false;
            }

            ReadOnlySpan<byte> fields = message[offset..];
            var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(fields);
            if (type == DnsType.Opt && i >= others)
            {
                if (question.HasEdns || message[owner] != 0)
                {
                    return false;
                }

                question = question with
                {
                    HasEdns = true,
                    EdnsSize = BinaryPrimitives.ReadUInt16BigEndian(fields[2..]),
                    EdnsVersion = fields[5],
                    WantsDnssec = (fields[6] & 0x80) != 0,
                };
            }

            offset += 10 + BinaryPrimitives.ReadUInt16BigEndian(fields[8..]);
            if (offset > message.Length)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// True when <paramref name="answer"/> is an answer to <paramref name="query"/>: the same identifier, kind and question (RFC 5452 section 9.1).
    /// Both are whole messages.
    /// </summary>
    public static bool IsAnswered(ReadOnlySpan<byte> query, ReadOnlySpan<byte> answer) =>
        TryParseSection(query, out DnsQuestion asked)
        && TryParseSection(answer, out DnsQuestion answered)
        && answered.Header.IsResponse
        && asked.Header.Id == answered.Header.Id
        && asked.Header.Opcode == answered.Header.Opcode
        && asked.Type == answered.Type
        && asked.Class == answered.Class
        && asked.Name == answered.Name;

    /// <summary>Reads header and question of a query or an answer, and nothing behind them.</summary>
    private static bool TryParseSection(ReadOnlySpan<byte> message, out DnsQuestion question)
    {
        question = default;
        int offset = DnsHeader.Size;
        if (!DnsHeader.TryParse(message, out DnsHeader header)
            || header.Questions != 1
            || !DnsName.TryRead(message, ref offset, out string name)
            || offset + 4 > message.Length)
        {
            return false;
        }

        question = new DnsQuestion
        {
            Header = header,
            Name = name,
            Type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[offset..]),
            Class = BinaryPrimitives.ReadUInt16BigEndian(message[(offset + 2)..]),
            End = offset + 4,
        };
        return true;
    }
}
