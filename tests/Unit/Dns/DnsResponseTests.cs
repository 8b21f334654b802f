using System;
using System.Linq;
using System.Net;
using Culvert.Core.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Dns;

public class DnsResponseTests
{
    [Fact]
    public void AnAddressIsAnsweredByteForByte()
    {
        byte[] query = Wire.Query("aB.c", DnsType.A);
        byte[] answer = Answer(query, DnsRcode.NoError, DnsRecord.Address(IPAddress.Parse("198.18.1.0"), 30));
        byte[] expected =
        [
            0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, // id, QR RD RA, counts
            2, (byte)'a', (byte)'B', 1, (byte)'c', 0, 0, 1, 0, 1, // the question in its own letter case
            0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 198, 18, 1, 0,
        ];
        Assert.Equal(expected, answer);
    }

    [Fact]
    public void EdnsIsAnsweredWithEdnsAndOnlyThen()
    {
        byte[] plain = Wire.Query("a.b", DnsType.A);
        Assert.Equal(plain.Length, Answer(plain, DnsRcode.NxDomain).Length);

        byte[] query = Wire.Query("a.b", DnsType.A, edns: 4000, dnssec: true);
        byte[] answer = Answer(query, DnsRcode.NxDomain);
        Assert.Equal(1, answer[11]);
        Assert.Equal([0, 0, 41, 0x04, 0xD0, 0, 0, 0x80, 0, 0, 0], answer[^11..]);
        Assert.Equal(DnsRcode.NxDomain, Wire.Rcode(answer));
    }

    [Fact]
    public void CodesAbove15GoIntoTheEdnsRecord()
    {
        byte[] answer = Answer(Wire.Query("a.b", DnsType.A, edns: 1232, ednsVersion: 1), DnsRcode.BadVersion);
        Assert.Equal(0, answer[3] & 0xF);
        Assert.Equal(1, answer[^6]);
    }

    [Fact]
    public void APointerIsWrittenUncompressed()
    {
        byte[] answer = Answer(Wire.Query("0.1.18.198.in-addr.arpa", DnsType.Ptr), DnsRcode.NoError, DnsRecord.Pointer("example.com", 30));
        Assert.Equal(Wire.Name("example.com"), answer[^13..]);
    }

    [Fact]
    public void RecursionDesiredAndCheckingDisabledAreKept()
    {
        byte[] query = Wire.Query("a.b", DnsType.A);
        query[2] = 0;
        query[3] = 0x10;
        byte[] answer = Answer(query, DnsRcode.ServFail);
        Assert.Equal([0x80, 0x92], answer[2..4]);
    }

    [Fact]
    public void TruncationKeepsTheCodeAndDropsTheRecords()
    {
        byte[] query = Wire.Query("a.b", DnsType.Txt, edns: 1232);
        Assert.True(DnsQuestion.TryParse(query, out DnsQuestion question));
        byte[] whole = Wire.Text(query, 2000);
        whole[3] |= 3;
        byte[] cut = DnsResponse.Truncate(query, question, whole);
        Assert.True(Wire.Truncation(cut));
        Assert.Equal(0, Wire.Answers(cut));
        Assert.Equal(DnsRcode.NxDomain, Wire.Rcode(cut));
        Assert.True(DnsQuestion.IsAnswered(query, cut));
        Assert.Equal(question.End + 11, cut.Length);
    }

    [Fact]
    public void AQueryThatCannotBeReadIsAnsweredByItsHeader()
    {
        Assert.True(DnsHeader.TryParse([7, 7, 0x29, 0, 0, 1, 0, 2, 0, 3, 0, 4], out DnsHeader header));
        Assert.Equal(5, header.Opcode);
        Assert.Equal([7, 7, 0xA9, 0x84, 0, 0, 0, 0, 0, 0, 0, 0], DnsResponse.WriteHeaderOnly(header, DnsRcode.NotImp));
    }

    [Fact]
    public void FramedMessagesAreTakenOneByOneAtAnyCut()
    {
        byte[] stream = [.. DnsFraming.Frame([1, 2, 3]), .. DnsFraming.Frame([]), .. DnsFraming.Frame(new byte[65535])];
        for (int length = 0; length <= 12; length++)
        {
            ReadOnlySpan<byte> received = stream.AsSpan(0, length);
            int whole = 0;
            while (DnsFraming.TryTake(ref received, out _))
            {
                whole++;
            }

            Assert.Equal(length >= 7 ? 2 : length >= 5 ? 1 : 0, whole);
        }

        ReadOnlySpan<byte> all = stream;
        Assert.True(DnsFraming.TryTake(ref all, out ReadOnlySpan<byte> first));
        Assert.Equal([1, 2, 3], first.ToArray());
        Assert.True(DnsFraming.TryTake(ref all, out ReadOnlySpan<byte> second));
        Assert.True(second.IsEmpty);
        Assert.True(DnsFraming.TryTake(ref all, out ReadOnlySpan<byte> third));
        Assert.Equal(65535, third.Length);
        Assert.True(all.IsEmpty);
        Assert.Throws<ArgumentOutOfRangeException>(() => DnsFraming.Frame(new byte[65536]));
    }

    [Theory]
    [InlineData("0.1.18.198.in-addr.arpa", "198.18.1.0")]
    [InlineData("255.255.255.255.in-addr.arpa", "255.255.255.255")]
    [InlineData("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.6.6.7.c.6.5.7.3.4.d.f.ip6.arpa", "fd43:756c:7665::1")]
    public void ReverseNamesAreRead(string name, string address)
    {
        Assert.True(ReverseName.TryParse(name, out IPAddress? found));
        Assert.Equal(IPAddress.Parse(address), found);
    }

    [Theory]
    [InlineData("18.198.in-addr.arpa")]
    [InlineData("1.0.1.18.198.in-addr.arpa")]
    [InlineData("0.1.18.256.in-addr.arpa")]
    [InlineData("0.01.18.198.in-addr.arpa")]
    [InlineData("..18.198.in-addr.arpa")]
    [InlineData("in-addr.arpa")]
    [InlineData("1.0.ip6.arpa")]
    [InlineData("g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.6.6.7.c.6.5.7.3.4.d.f.ip6.arpa")]
    [InlineData("100.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.6.6.7.c.6.5.7.3.4.d.f.ip6.arpa")]
    [InlineData("example.com")]
    public void NamesThatAreNoWholeReverseNameAreNot(string name) => Assert.False(ReverseName.TryParse(name, out _));

    private static byte[] Answer(byte[] query, DnsRcode rcode, params DnsRecord[] records)
    {
        Assert.True(DnsQuestion.TryParse(query, out DnsQuestion question));
        return DnsResponse.Write(query, question, rcode, records.ToArray());
    }
}
