using System;
using System.Collections.Generic;
using System.Text;
using Culvert.Core.Proxy;

namespace Culvert.Fuzz.Targets;

/// <summary>
/// SOCKS5 and HTTP as they arrive: a message is whole at the same byte however it was cut on the way, and what is passed on reads as
/// what was understood.
/// </summary>
internal sealed class ProxyTarget(ulong seed) : IFuzzTarget
{
    private readonly byte[] _scratch = new byte[1024];
    private FuzzRandom _random = new(seed);

    private delegate ParseStatus Parser(ReadOnlySpan<byte> data, out int consumed);

    public static FuzzTarget Entry { get; } = new("proxy", "SOCKS5 messages and datagrams, HTTP heads and chunks", Corpus, seed => new ProxyTarget(seed));

    private static Parser[] Parsers { get; } =
    [
        static (data, out consumed) => Socks5.TryParseGreeting(data, out _, out consumed),
        static (data, out consumed) => Socks5.TryParsePassword(data, out _, out _, out consumed),
        static (data, out consumed) => Socks5.TryParseMethod(data, out _, out consumed),
        static (data, out consumed) => Socks5.TryParsePasswordStatus(data, out _, out consumed),
        static (data, out consumed) => Socks5.TryParseRequest(data, out _, out _, out consumed),
        static (data, out consumed) => Socks5.TryParseReply(data, out _, out _, out consumed),
        static (data, out consumed) => SocksDatagram.TryParseTcp(data, out _, out consumed, out _),
        static (data, out consumed) => HttpRequestHead.TryParse(data, out _, out consumed),
        static (data, out consumed) => HttpResponseHead.TryParse(data, out _, out consumed),
    ];

    public void Run(ReadOnlySpan<byte> input)
    {
        foreach (Parser parse in Parsers)
        {
            if (parse(input, out int consumed) == ParseStatus.Done)
            {
                Expect.That(consumed > 0 && consumed <= input.Length, "a message is within what arrived");
                Expect.That(parse(input[..consumed], out int again) == ParseStatus.Done && again == consumed, "what follows a message means nothing to it");
                Expect.That(parse(input[.._random.Below(consumed)], out _) == ParseStatus.NeedMore, "part of a message asks for more");
            }
        }

        if (SocksAddress.TryParse(input, out SocksAddress address, out _) == ParseStatus.Done)
        {
            Expect.That(address.TryWrite(_scratch, out int written), "an address that was read can be written");
            Expect.That(SocksAddress.TryParse(_scratch.AsSpan(0, written), out SocksAddress same, out _) == ParseStatus.Done && same == address, "and reads the same");
        }

        if (SocksDatagram.TryParseUdp(input, out _, out int header))
        {
            Expect.That(header <= input.Length, "a datagram's header is within it");
        }

        RunHttp(input);
        RunChunks(input);
    }

    public void Finish()
    {
        // Nothing is kept from input to input.
    }

    private static void RunHttp(ReadOnlySpan<byte> input)
    {
        if (HttpRequestHead.TryParse(input, out HttpRequestHead? request, out _) == ParseStatus.Done)
        {
            request!.TryGetConnectTarget(out _, out _);
            HttpBody body = request.Body;
            string method = request.Method;
            if (request.TryGetAbsoluteTarget(out _, out _, out string authority, out string origin))
            {
                byte[] passed = request.ToOrigin(authority, origin);
                Expect.That(
                    HttpRequestHead.TryParse(passed, out HttpRequestHead? read, out int length) == ParseStatus.Done && length == passed.Length, "a head passed on is one head");
                Expect.That(read!.Method == method && read.Target == origin && read.Fields.Count("Host", out string host) == 1 && host == authority, "and asks for the same");
                Expect.That(read.Body == body, "and its body ends at the same place");
            }
        }

        if (HttpResponseHead.TryParse(input, out HttpResponseHead? response, out _) == ParseStatus.Done)
        {
            bool known = response!.TryGetBody("GET", out HttpBody body);
            HttpStatuses.ToFailure(response);
            byte[] passed = response.ToClient(keepAlive: false);
            Expect.That(
                HttpResponseHead.TryParse(passed, out HttpResponseHead? read, out int length) == ParseStatus.Done && length == passed.Length, "an answer passed on is one head");
            Expect.That(!known || (read!.TryGetBody("GET", out HttpBody same) && same == body), "and its body ends at the same place");
        }
    }

    private void RunChunks(ReadOnlySpan<byte> input)
    {
        int cut = _random.Below(input.Length + 1);
        ParseStatus whole = new HttpChunks().Scan(input, out int consumed);
        HttpChunks chunks = new();
        ParseStatus status = chunks.Scan(input[..cut], out int first);
        int second = 0;
        if (status == ParseStatus.NeedMore)
        {
            Expect.That(first == cut, "all of a part is consumed");
            status = chunks.Scan(input[cut..], out second);
        }

        Expect.That(status == whole && first + second == consumed, "chunks end at the same place however they are cut");
    }

    private static List<byte[]> Corpus()
    {
        byte[] scratch = new byte[1024];
        List<byte[]> inputs = [[5, 2, 0, 2], [5, 0], [1, 0], [5, 255]];
        inputs.Add(scratch[..Socks5.WritePassword(scratch, "user", "pass")]);
        SocksAddress[] addresses =
        [
            new("example.com", null, 443), new(null, System.Net.IPAddress.Parse("192.0.2.7"), 53), new(null, System.Net.IPAddress.Parse("2001:db8::7"), 80),
        ];
        foreach (SocksAddress address in addresses)
        {
            foreach (SocksCommand command in Enum.GetValues<SocksCommand>())
            {
                Expect.That(Socks5.TryWriteRequest(scratch, command, address, out int written), "a sample can be written");
                inputs.Add(scratch[..written]);
            }

            Expect.That(SocksDatagram.TryWriteUdp(scratch, address, out int udp), "a sample can be written");
            inputs.Add([.. scratch[..udp], 1, 2, 3]);
            Expect.That(SocksDatagram.TryWriteTcp(scratch, address, 3, out int tcp), "a sample can be written");
            inputs.Add([.. scratch[..tcp], 1, 2, 3]);
            inputs.Add(scratch[3..tcp]);
        }

        string[] texts =
        [
            "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n",
            "GET http://example.com/a?b HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nProxy-Connection: close\r\n\r\n",
            "POST http://[2001:db8::7]:8080?q HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
            "PUT http://example.com HTTP/1.0\r\nContent-Length: 12\r\n\r\n",
            "GET http://example.com/ws HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 502 Bad Gateway\r\nProxy-Status: culvert; error=connection_refused\r\n\r\n",
            "HTTP/1.0 204\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "5\r\nhello\r\n1;a=b\r\nx\r\n0\r\nTrailer: y\r\n\r\nbehind",
            "0\r\n\r\n",
        ];
        foreach (string text in texts)
        {
            inputs.Add(Encoding.ASCII.GetBytes(text));
        }

        return inputs;
    }
}
