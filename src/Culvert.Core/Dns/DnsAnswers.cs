using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Net;

namespace Culvert.Core.Dns;

/// <summary>Reads the addresses out of an answer.</summary>
public static class DnsAnswers
{
    /// <summary>Most addresses that are read of one answer.</summary>
    public const int MaxAddresses = 64;

    // Type, class, TTL, length of the data (RFC 1035 section 4.1.3).
    private const int RecordFields = 10;

    /// <summary>
    /// The A and AAAA records of the answer section of <paramref name="message"/>, whatever name they belong to (an alias leads there), each with its time to
    /// live in seconds. What cannot be read ends the list.
    /// </summary>
    public static IReadOnlyList<(IPAddress Address, uint Ttl)> Addresses(ReadOnlySpan<byte> message)
    {
        List<(IPAddress, uint)> addresses = [];
        int at = DnsHeader.Size;
        if (!DnsHeader.TryParse(message, out DnsHeader header) || !header.IsResponse || header.Questions != 1 || !DnsName.TrySkip(message, ref at))
        {
            return addresses;
        }

        at += 4;
        for (int i = 0; i < header.Answers && addresses.Count < MaxAddresses; i++)
        {
            if (!DnsName.TrySkip(message, ref at) || at + RecordFields > message.Length)
            {
                break;
            }

            ReadOnlySpan<byte> fields = message[at..];
            int length = BinaryPrimitives.ReadUInt16BigEndian(fields[8..]);
            at += RecordFields + length;
            if (at > message.Length)
            {
                break;
            }

            var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(fields);
            if ((type == DnsType.A && length == 4) || (type == DnsType.Aaaa && length == 16))
            {
                addresses.Add((new IPAddress(fields.Slice(RecordFields, length)), BinaryPrimitives.ReadUInt32BigEndian(fields[4..])));
            }
        }

        return addresses;
    }

    /// <summary>A query for the addresses of <paramref name="name"/> of one family; false when it cannot be a domain name.</summary>
    public static bool TryWriteQuery(string name, DnsType type, out byte[] query)
    {
        query = new byte[DnsHeader.Size + DnsName.MaxWire + 4];
        new DnsHeader(0, DnsHeader.RecursionDesired, 1, 0, 0, 0).Write(query);
        if (!DnsName.TryWrite(name, query.AsSpan(DnsHeader.Size, DnsName.MaxWire), out int written))
        {
            query = [];
            return false;
        }

        int at = DnsHeader.Size + written;
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(at), (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(at + 2), DnsQuestion.Internet);
        query = query[..(at + 4)];
        return true;
    }
}
