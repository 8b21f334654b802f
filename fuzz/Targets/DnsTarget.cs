using System;
using System.Collections.Generic;
using Culvert.Core.Dns;

namespace Culvert.Fuzz.Targets;

/// <summary>DNS messages of anybody: what is read of them ends, stays within them, and can be answered and written again.</summary>
internal sealed class DnsTarget : IFuzzTarget
{
    private readonly byte[] _query = Query("www.example.com", edns: false);
    private readonly byte[] _name = new byte[DnsName.MaxWire];

    private DnsTarget()
    {
    }

    public static FuzzTarget Entry { get; } = new("dns", "DNS queries, answers, names and their framing over TCP", Corpus, _ => new DnsTarget());

    public void Run(ReadOnlySpan<byte> input)
    {
        if (DnsQuestion.TryParse(input, out DnsQuestion question))
        {
            RunQuestion(input, question);
        }
        else if (DnsHeader.TryParse(input, out DnsHeader header))
        {
            Expect.That(DnsResponse.WriteHeaderOnly(header, DnsRcode.FormErr).Length == DnsHeader.Size, "an unreadable query is refused by its header");
        }

        DnsQuestion.IsAnswered(_query, input);
        ReadOnlySpan<byte> rest = input;
        int taken = 0;
        while (DnsFraming.TryTake(ref rest, out ReadOnlySpan<byte> message))
        {
            taken += DnsFraming.PrefixSize + message.Length;
        }

        Expect.That(taken + rest.Length == input.Length, "framing loses nothing");
    }

    public void Finish()
    {
        // Nothing is kept from input to input.
    }

    private void RunQuestion(ReadOnlySpan<byte> input, in DnsQuestion question)
    {
        Expect.That(question.End >= DnsHeader.Size + 5 && question.End <= input.Length, "the question is within the message");
        Expect.That(DnsName.TryWrite(question.Name, _name, out int written), "a name that was read can be written");
        byte[] message = [.. new byte[DnsHeader.Size], .. _name.AsSpan(0, written)];
        int offset = DnsHeader.Size;
        Expect.That(DnsName.TryRead(message, ref offset, out string again) && again == question.Name && offset == message.Length, "and reads the same");
        Expect.That(ReverseName.TryParse(question.Name, out System.Net.IPAddress? address) == address is not null, "a reverse name has an address");

        byte[] answer = DnsResponse.Write(input, question, DnsRcode.NoError);
        Expect.That(DnsQuestion.IsAnswered(input, answer), "our answer answers its question");
        byte[] cut = DnsResponse.Truncate(input, question, answer);
        Expect.That(DnsHeader.TryParse(cut, out DnsHeader header) && header.IsTruncated && cut.Length <= question.DatagramLimit, "a cut answer fits a datagram and says so");
    }

    private static List<byte[]> Corpus()
    {
        byte[] plain = Query("www.example.com", edns: false);
        byte[] edns = Query("a.b.c.example", edns: true);
        byte[] reverse = Query("7.2.0.192.in-addr.arpa", edns: true);
        byte[] compressed = [.. plain, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7];
        compressed[2] = 0x81;
        compressed[7] = 1;
        byte[] pointing = [.. plain[..12], 1, (byte)'a', 0xC0, 12, 0, 1, 0, 1];
        return [plain, edns, reverse, compressed, pointing, DnsFraming.Frame(plain), [.. DnsFraming.Frame(edns), .. DnsFraming.Frame(plain)], Query("", edns: false)];
    }

    private static byte[] Query(string name, bool edns)
    {
        byte[] wire = new byte[DnsName.MaxWire];
        Expect.That(DnsName.TryWrite(name, wire, out int length), "a sample name can be written");
        byte[] option = edns ? [0, 0, 41, 4, 0xD0, 0, 0, 0x80, 0, 0, 0] : [];
        byte[] query = [.. new byte[DnsHeader.Size], .. wire[..length], 0, 1, 0, 1, .. option];
        new DnsHeader(0x1234, 0x0100, 1, 0, 0, edns ? (ushort)1 : (ushort)0).Write(query);
        return query;
    }
}
