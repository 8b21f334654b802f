using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Net;
using System.Text;
using Culvert.Core.Dns;

namespace Culvert.Tests.Unit.Dns;

/// <summary>DNS messages for tests, written by other code than the one under test.</summary>
internal static class Wire
{
    public const ushort Id = 0x1234;

    public static byte[] Query(string name, DnsType type, ushort id = Id, int? edns = null, byte ednsVersion = 0, bool dnssec = false)
    {
        var bytes = new List<byte> { (byte)(id >> 8), (byte)id, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, (byte)(edns is null ? 0 : 1) };
        bytes.AddRange(Name(name));
        bytes.AddRange([(byte)((int)type >> 8), (byte)type, 0, 1]);
        if (edns is int size)
        {
            bytes.AddRange([0, 0, 41, (byte)(size >> 8), (byte)size, 0, ednsVersion, (byte)(dnssec ? 0x80 : 0), 0, 0, 0]);
        }

        return [.. bytes];
    }

    public static byte[] Name(string name)
    {
        var bytes = new List<byte>();
        foreach (string label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.Latin1.GetBytes(label));
        }

        bytes.Add(0);
        return [.. bytes];
    }

    /// <summary>An answer to <paramref name="query"/> with one TXT record of <paramref name="size"/> bytes of data.</summary>
    public static byte[] Text(ReadOnlyMemory<byte> query, int size)
    {
        byte[] data = new byte[size];
        for (int at = 0; at < size; at += 256)
        {
            data[at] = (byte)Math.Min(255, size - at - 1);
        }

        return Answer(query, new DnsRecord(DnsType.Txt, 60, data));
    }

    public static byte[] Answer(ReadOnlyMemory<byte> query, params DnsRecord[] records) =>
        DnsQuestion.TryParse(query.Span, out DnsQuestion question)
            ? DnsResponse.Write(query.Span, question, DnsRcode.NoError, records)
            : throw new ArgumentException("Not a query.", nameof(query));

    public static byte[] Failure(ReadOnlyMemory<byte> query, DnsRcode rcode) =>
        DnsQuestion.TryParse(query.Span, out DnsQuestion question)
            ? DnsResponse.Write(query.Span, question, rcode)
            : throw new ArgumentException("Not a query.", nameof(query));

    public static byte[] Truncated(ReadOnlyMemory<byte> query)
    {
        byte[] answer = Failure(query, DnsRcode.NoError);
        answer[2] |= 0x02;
        return answer;
    }

    public static DnsRcode Rcode(ReadOnlyMemory<byte> message) => (DnsRcode)(message.Span[3] & 0xF);

    public static int Answers(ReadOnlyMemory<byte> message) => BinaryPrimitives.ReadUInt16BigEndian(message.Span[6..]);

    public static bool Truncation(ReadOnlyMemory<byte> message) => (message.Span[2] & 0x02) != 0;

    /// <summary>The addresses of an answer whose records all answer the question itself.</summary>
    public static List<IPAddress> Addresses(ReadOnlyMemory<byte> message)
    {
        ReadOnlySpan<byte> span = message.Span;
        int at = 12;
        Skip(span, ref at);
        at += 4;
        var found = new List<IPAddress>();
        for (int i = 0; i < Answers(message); i++)
        {
            Skip(span, ref at);
            int length = BinaryPrimitives.ReadUInt16BigEndian(span[(at + 8)..]);
            found.Add(new IPAddress(span.Slice(at + 10, length)));
            at += 10 + length;
        }

        return found;
    }

    private static void Skip(ReadOnlySpan<byte> span, ref int at)
    {
        while (span[at] is not 0)
        {
            if (span[at] >= 0xC0)
            {
                at += 2;
                return;
            }

            at += span[at] + 1;
        }

        at++;
    }
}
