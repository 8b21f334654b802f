using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Dns;

namespace Culvert.Core.Mdns;

/// <summary>A message of multicast DNS (RFC 6762 section 18), whole: a query with what its sender knows, a probe, or a response.</summary>
public sealed class MdnsMessage
{
    /// <summary>Most bytes of a message (RFC 6762 section 17).</summary>
    public const int MaxSize = 9000;

    /// <summary>Questions and records that are read of one message; the rest is not.</summary>
    public const int MaxEntries = 256;

    private const ushort TopBit = 0x8000;

    /// <summary>The identifier, which only those outside of multicast DNS use.</summary>
    public ushort Id { get; init; }

    /// <summary>Whether it answers; else it asks.</summary>
    public bool IsResponse { get; init; }

    /// <summary>TC: more of what the asker knows follows in another message.</summary>
    public bool IsTruncated { get; init; }

    /// <summary>What is asked.</summary>
    public IReadOnlyList<MdnsQuestion> Questions { get; init; } = [];

    /// <summary>Answers of a response; of a query, what its sender knows already.</summary>
    public IReadOnlyList<MdnsRecord> Answers { get; init; } = [];

    /// <summary>Of a probe, what its sender wants to be its own.</summary>
    public IReadOnlyList<MdnsRecord> Authorities { get; init; } = [];

    /// <summary>What else a response tells.</summary>
    public IReadOnlyList<MdnsRecord> Additionals { get; init; } = [];

    /// <summary>
    /// Reads a message; false when it is none of ours (another opcode or class aside, which are passed over), or does not end within itself.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out MdnsMessage message)
    {
        message = new MdnsMessage();
        if (!DnsHeader.TryParse(bytes, out DnsHeader header) || header.Opcode != 0 || (header.IsResponse && header.Rcode != DnsRcode.NoError))
        {
            return false;
        }

        int at = DnsHeader.Size;
        int left = MaxEntries;
        List<MdnsQuestion> questions = [];
        for (int i = 0; i < header.Questions && left > 0; i++, left--)
        {
            if (!DnsName.TryRead(bytes, ref at, out string name) || at + 4 > bytes.Length)
            {
                return false;
            }

            ushort @class = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
            if ((@class & ~TopBit) is DnsQuestion.Internet or (int)DnsType.Any)
            {
                questions.Add(new MdnsQuestion(name, (DnsType)BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]), (@class & TopBit) != 0));
            }

            at += 4;
        }

        if (!TryReadRecords(bytes, header.Answers, ref at, ref left, out List<MdnsRecord> answers)
            || !TryReadRecords(bytes, header.Authorities, ref at, ref left, out List<MdnsRecord> authorities)
            || !TryReadRecords(bytes, header.Additionals, ref at, ref left, out List<MdnsRecord> additionals))
        {
            return false;
        }

        message = new MdnsMessage
        {
            Id = header.Id,
            IsResponse = header.IsResponse,
            IsTruncated = header.IsTruncated,
            Questions = questions,
            Answers = answers,
            Authorities = authorities,
            Additionals = additionals,
        };
        return true;
    }

    /// <summary>The message in wire form, names uncompressed: what is said here is short.</summary>
    public byte[] Write()
    {
        byte[] bytes = new byte[MaxSize];
        int flags = IsResponse ? DnsHeader.Response | DnsHeader.Authoritative : IsTruncated ? DnsHeader.Truncated : 0;
        new DnsHeader(Id, (ushort)flags, (ushort)Questions.Count, (ushort)Answers.Count, (ushort)Authorities.Count, (ushort)Additionals.Count).Write(bytes);
        int at = DnsHeader.Size;
        foreach (MdnsQuestion question in Questions)
        {
            WriteName(question.Name, bytes, ref at);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at), (ushort)question.Type);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(at + 2), (ushort)(DnsQuestion.Internet | (question.WantsUnicast ? TopBit : 0)));
            at += 4;
        }

        foreach (IReadOnlyList<MdnsRecord> section in new[] { Answers, Authorities, Additionals })
        {
            foreach (MdnsRecord record in section)
            {
                WriteName(record.Name, bytes, ref at);
                Span<byte> fields = bytes.AsSpan(at);
                BinaryPrimitives.WriteUInt16BigEndian(fields, (ushort)record.Type);
                BinaryPrimitives.WriteUInt16BigEndian(fields[2..], (ushort)(DnsQuestion.Internet | (record.IsUnique ? TopBit : 0)));
                BinaryPrimitives.WriteUInt32BigEndian(fields[4..], record.Ttl);
                BinaryPrimitives.WriteUInt16BigEndian(fields[8..], checked((ushort)record.Data.Length));
                record.Data.Span.CopyTo(fields[MdnsRecord.Fields..]);
                at += MdnsRecord.Fields + record.Data.Length;
            }
        }

        return bytes[..at];
    }

    private static bool TryReadRecords(ReadOnlySpan<byte> bytes, int count, ref int at, ref int left, out List<MdnsRecord> records)
    {
        records = [];
        for (int i = 0; i < count && left > 0; i++, left--)
        {
            if (!DnsName.TryRead(bytes, ref at, out string name) || at + MdnsRecord.Fields > bytes.Length)
            {
                return false;
            }

            ReadOnlySpan<byte> fields = bytes[at..];
            int length = BinaryPrimitives.ReadUInt16BigEndian(fields[8..]);
            int start = at + MdnsRecord.Fields;
            at = start + length;
            if (at > bytes.Length)
            {
                return false;
            }

            ushort @class = BinaryPrimitives.ReadUInt16BigEndian(fields[2..]);
            DnsType type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(fields);
            if ((@class & ~TopBit) == DnsQuestion.Internet && TryReadData(bytes, type, start, length, out byte[] data))
            {
                // No record lives longer than a day or so; a time with its top bit set is 0 (RFC 2181 section 8).
                uint ttl = BinaryPrimitives.ReadUInt32BigEndian(fields[4..]);
                records.Add(new MdnsRecord(name, type, (@class & TopBit) != 0, ttl > int.MaxValue ? 0 : ttl, data));
            }
        }

        return true;
    }

    /// <summary>The data with its names written out; false when the data is not of its type's form.</summary>
    private static bool TryReadData(ReadOnlySpan<byte> bytes, DnsType type, int start, int length, out byte[] data)
    {
        data = [];
        int head = type == DnsType.Srv ? 6 : 0;
        switch (type)
        {
            case DnsType.Ptr or DnsType.Srv:
                Span<byte> name = stackalloc byte[DnsName.MaxWire];
                int at = start + head;
                if (length <= head || !DnsName.TryExpand(bytes[..(start + length)], ref at, name, out int written) || at != start + length)
                {
                    return false;
                }

                data = [.. bytes.Slice(start, head), .. name[..written]];
                return true;
            case DnsType.A when length != 4:
            case DnsType.Aaaa when length != 16:
                return false;
            default:
                data = bytes.Slice(start, length).ToArray();
                return true;
        }
    }

    private static void WriteName(string name, byte[] bytes, ref int at)
    {
        if (!DnsName.TryWrite(name, bytes.AsSpan(at), out int written))
        {
            throw new ArgumentException($"'{name}' is not a domain name.", nameof(name));
        }

        at += written;
    }
}
