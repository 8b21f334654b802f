using System;
using Culvert.Core.Dns;
using Xunit;

namespace Culvert.Tests.Unit.Dns;

public class DnsQuestionTests
{
    [Fact]
    public void AQueryIsReadWithItsEdnsWishes()
    {
        byte[] query = Wire.Query("Example.com", DnsType.Aaaa, edns: 1400, dnssec: true);
        Assert.True(DnsQuestion.TryParse(query, out DnsQuestion question));
        Assert.Equal("example.com", question.Name);
        Assert.Equal(DnsType.Aaaa, question.Type);
        Assert.Equal(DnsQuestion.Internet, question.Class);
        Assert.Equal(Wire.Id, question.Header.Id);
        Assert.True(question.HasEdns);
        Assert.True(question.WantsDnssec);
        Assert.Equal(1400, question.DatagramLimit);
        Assert.Equal(query.Length - 11, question.End);
    }

    [Theory]
    [InlineData(null, 512)]
    [InlineData(0, 512)]
    [InlineData(1232, 1232)]
    [InlineData(65535, 4096)]
    public void TheDatagramSizeIsBoundedBothWays(int? offered, int limit)
    {
        Assert.True(DnsQuestion.TryParse(Wire.Query("a.b", DnsType.A, edns: offered), out DnsQuestion question));
        Assert.Equal(limit, question.DatagramLimit);
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        byte[] query = Wire.Query("www.example.com", DnsType.A, edns: 1232);
        for (int length = 0; length < query.Length; length++)
        {
            Assert.False(DnsQuestion.TryParse(query.AsSpan(0, length), out _));
        }
    }

    [Fact]
    public void AnswersOtherKindsAndOtherNumbersOfQuestionsAreRefused()
    {
        byte[] query = Wire.Query("a.b", DnsType.A);
        Assert.False(DnsQuestion.TryParse(With(query, 2, 0x81), out _)); // QR
        Assert.False(DnsQuestion.TryParse(With(query, 2, 0x29), out _)); // UPDATE
        Assert.False(DnsQuestion.TryParse(With(query, 5, 0), out _));
        Assert.False(DnsQuestion.TryParse(With(query, 5, 2), out _));
    }

    [Fact]
    public void TwoEdnsRecordsAreRefused()
    {
        byte[] one = Wire.Query("a.b", DnsType.A, edns: 1232);
        byte[] two = [.. one, .. one[^11..]];
        Assert.False(DnsQuestion.TryParse(With(two, 11, 2), out _));
    }

    [Fact]
    public void EdnsOutsideTheAdditionalSectionIsNoEdns()
    {
        byte[] query = Wire.Query("a.b", DnsType.A, edns: 1232);
        query[7] = 1;
        query[11] = 0;
        Assert.True(DnsQuestion.TryParse(query, out DnsQuestion question));
        Assert.False(question.HasEdns);
    }

    [Fact]
    public void AnAnswerMustRepeatIdentifierAndQuestion()
    {
        byte[] query = Wire.Query("www.example.com", DnsType.A);
        byte[] answer = Wire.Answer(query);
        Assert.True(DnsQuestion.IsAnswered(query, answer));
        Assert.True(DnsQuestion.IsAnswered(query, With(answer, 13, (byte)'W'))); // letter case is no difference
        Assert.False(DnsQuestion.IsAnswered(query, query)); // no answer at all
        Assert.False(DnsQuestion.IsAnswered(query, With(answer, 0, 0x99)));
        Assert.False(DnsQuestion.IsAnswered(query, With(answer, 13, (byte)'x')));
        Assert.False(DnsQuestion.IsAnswered(query, With(answer, answer.Length - 3, 28)));
        Assert.False(DnsQuestion.IsAnswered(query, With(answer, answer.Length - 1, 3)));
        Assert.False(DnsQuestion.IsAnswered(query, answer.AsSpan(0, answer.Length - 1)));
        Assert.False(DnsQuestion.IsAnswered(query, []));
    }

    private static byte[] With(byte[] message, int at, byte value)
    {
        byte[] copy = [.. message];
        copy[at] = value;
        return copy;
    }
}
