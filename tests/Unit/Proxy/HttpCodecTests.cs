using System;
using System.Text;
using Culvert.Core.Proxy;
using Xunit;

namespace Culvert.Tests.Unit.Proxy;

public sealed class HttpCodecTests
{
    [Fact]
    public void EveryPartOfARequestWantsMore()
    {
        byte[] data = "\r\nGET http://h/ HTTP/1.1\r\nHost: h\r\nX:\t y z \r\n\r\nrest"u8.ToArray();
        for (int part = 0; part < data.Length - 4; part++)
        {
            Assert.Equal(ParseStatus.NeedMore, HttpRequestHead.TryParse(data.AsSpan(0, part), out _, out _));
        }

        Assert.Equal(ParseStatus.Done, HttpRequestHead.TryParse(data, out HttpRequestHead? head, out int consumed));
        Assert.Equal(data.Length - 4, consumed);
        Assert.Equal(1, head!.Fields.Count("x", out string value));
        Assert.Equal("y z", value);
    }

    [Theory]
    [InlineData("http://h", "GET", "h", 80, "/")]
    [InlineData("HTTP://h:81?q", "GET", "h", 81, "/?q")]
    [InlineData("http://[2001:db8::1]:8/a", "GET", "2001:db8::1", 8, "/a")]
    [InlineData("http://h:/a", "GET", "h", 80, "/a")]
    [InlineData("http://h", "OPTIONS", "h", 80, "*")]
    public void AbsoluteTargetsAreTakenApart(string target, string method, string host, int port, string originForm)
    {
        HttpRequestHead head = Parse($"{method} {target} HTTP/1.1\r\n\r\n");
        Assert.True(head.TryGetAbsoluteTarget(out string actualHost, out ushort actualPort, out _, out string actualForm));
        Assert.Equal((host, port, originForm), (actualHost, actualPort, actualForm));
    }

    [Theory]
    [InlineData("http://")]
    [InlineData("http:///x")]
    [InlineData("http://u@h/")]
    [InlineData("http://h:0/")]
    [InlineData("http://h:99999/")]
    [InlineData("http://h#f")]
    [InlineData("http://h\u00e9/")]
    [InlineData("http://[::1/")]
    [InlineData("http://[::1]x/")]
    [InlineData("https://h/")]
    [InlineData("/")]
    [InlineData("*")]
    public void OtherTargetsAreNotAbsolute(string target) =>
        Assert.False(Parse($"GET {target} HTTP/1.1\r\n\r\n").TryGetAbsoluteTarget(out _, out _, out _, out _));

    [Fact]
    public void FramingCannotBeListedAway()
    {
        HttpRequestHead head = Parse("POST http://h/ HTTP/1.1\r\nHost: evil\r\nConnection: content-length, x-gone, host\r\nContent-Length: 3\r\nX-Gone: 1\r\nTE: trailers\r\n\r\n");
        Assert.Equal("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", Encoding.Latin1.GetString(head.ToOrigin("h", "/")));
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")]
    [InlineData("Transfer-Encoding: gzip, chunked\r\n")]
    [InlineData("Transfer-Encoding: identity\r\n")]
    [InlineData("Content-Length: 3\r\nContent-Length: 3\r\n")]
    [InlineData("Content-Length: 3, 3\r\n")]
    [InlineData("Content-Length: +3\r\n")]
    [InlineData("Content-Length: -3\r\n")]
    [InlineData("Content-Length: 0x3\r\n")]
    [InlineData("Content-Length: 99999999999999999999\r\n")]
    [InlineData("Content-Length:\r\n")]
    [InlineData("Content-Length : 3\r\n")]
    [InlineData("Host: a\r\nHost: b\r\n")]
    [InlineData("X: a\u0000b\r\n")]
    [InlineData("X: a\nb: c\r\n")]
    [InlineData("X: a\rb: c\r\n")]
    [InlineData(": x\r\n")]
    public void WhatTwoParsersMightReadInTwoWaysIsMalformed(string fields) =>
        Assert.Equal(ParseStatus.Malformed, HttpRequestHead.TryParse(Encoding.Latin1.GetBytes($"POST http://h/ HTTP/1.1\r\n{fields}\r\n"), out _, out _));

    [Fact]
    public void AHeadOverTheLimitIsTooLarge()
    {
        byte[] data = Encoding.Latin1.GetBytes("GET / HTTP/1.1\r\nX: " + new string('x', HttpFields.MaxHead));
        Assert.Equal(ParseStatus.NeedMore, HttpRequestHead.TryParse(data.AsSpan(0, HttpFields.MaxHead - 1), out _, out _));
        Assert.Equal(ParseStatus.TooLarge, HttpRequestHead.TryParse(data.AsSpan(0, HttpFields.MaxHead), out _, out _));
    }

    [Theory]
    [InlineData("0\r\n\r\n")]
    [InlineData("3\r\nabc\r\n0\r\n\r\n")]
    [InlineData("00a;ext=\"v\"\r\n0123456789\r\nA\r\n0123456789\r\n000\r\nTrailer: x\r\nAnother: y\r\n\r\n")]
    public void ChunksEndWhereTheyEndHoweverTheyAreCut(string body)
    {
        byte[] data = Encoding.Latin1.GetBytes(body + "next");
        for (int cut = 0; cut <= body.Length; cut++)
        {
            HttpChunks chunks = new();
            int consumed = 0;
            ParseStatus status = cut == 0 ? ParseStatus.NeedMore : chunks.Scan(data.AsSpan(0, cut), out consumed);
            Assert.Equal(cut, consumed);
            if (cut < body.Length)
            {
                Assert.Equal(ParseStatus.NeedMore, status);
                status = chunks.Scan(data.AsSpan(cut), out consumed);
                Assert.Equal(body.Length - cut, consumed);
            }

            Assert.Equal(ParseStatus.Done, status);
        }
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData(";x\r\n")]
    [InlineData("g\r\n")]
    [InlineData("-1\r\n")]
    [InlineData("3\nabc")]
    [InlineData("3\r\nabcd")]
    [InlineData("3\r\nabc\n0")]
    [InlineData("3\r\nabc\rX")]
    [InlineData("1234567890abcdef\r\n")]
    [InlineData("0\r\n\n")]
    [InlineData("0\r\nTrailer\nX")]
    [InlineData("1;\u0001\r\n")]
    public void MalformedChunksAreMalformed(string body) =>
        Assert.Equal(ParseStatus.Malformed, new HttpChunks().Scan(Encoding.Latin1.GetBytes(body), out _));

    [Fact]
    public void EndlessSizeLinesAndTrailersAreTooLarge()
    {
        Assert.Equal(ParseStatus.TooLarge, new HttpChunks().Scan(Encoding.Latin1.GetBytes("1;" + new string('x', 5000)), out _));
        Assert.Equal(ParseStatus.TooLarge, new HttpChunks().Scan(Encoding.Latin1.GetBytes("0\r\n" + new string('x', 70_000)), out _));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", HttpBodyKind.Length)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", HttpBodyKind.None)]
    [InlineData("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", "GET", HttpBodyKind.None)]
    [InlineData("HTTP/1.1 304 \r\n\r\n", "GET", HttpBodyKind.None)]
    [InlineData("HTTP/1.1 200\r\n\r\n", "GET", HttpBodyKind.UntilClose)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "GET", HttpBodyKind.Chunked)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "GET", HttpBodyKind.UntilClose)]
    public void TheEndOfAnAnswerIsKnown(string response, string method, HttpBodyKind kind)
    {
        Assert.Equal(ParseStatus.Done, HttpResponseHead.TryParse(Encoding.Latin1.GetBytes(response), out HttpResponseHead? head, out _));
        Assert.True(head!.TryGetBody(method, out HttpBody body));
        Assert.Equal(kind, body.Kind);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n")]
    public void AnAnswerWithTwoEndsIsNotPassedOn(string response)
    {
        Assert.Equal(ParseStatus.Done, HttpResponseHead.TryParse(Encoding.Latin1.GetBytes(response), out HttpResponseHead? head, out _));
        Assert.False(head!.TryGetBody("GET", out _));
    }

    [Theory]
    [InlineData("HTTP/2 200\r\n\r\n")]
    [InlineData("HTTP/1.1 20\r\n\r\n")]
    [InlineData("HTTP/1.1 2000\r\n\r\n")]
    [InlineData("HTTP/1.1 abc OK\r\n\r\n")]
    [InlineData("HTTP/1.1  200\r\n\r\n")]
    [InlineData("SSH-2.0")]
    [InlineData("HTTP/2")]
    public void OtherAnswersAreMalformed(string response) =>
        Assert.Equal(ParseStatus.Malformed, HttpResponseHead.TryParse(Encoding.Latin1.GetBytes(response), out _, out _));

    private static HttpRequestHead Parse(string text)
    {
        Assert.Equal(ParseStatus.Done, HttpRequestHead.TryParse(Encoding.Latin1.GetBytes(text), out HttpRequestHead? head, out _));
        return head!;
    }
}
