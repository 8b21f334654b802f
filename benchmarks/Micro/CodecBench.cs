using System;
using System.Net;
using System.Text;
using BenchmarkDotNet.Attributes;
using Culvert.Core.Dns;
using Culvert.Core.Proxy;

namespace Culvert.Bench.Micro;

/// <summary>What is read and written once a connection, a query or a relayed datagram.</summary>
public class CodecBench
{
    private static readonly SocksAddress Address = new(null, IPAddress.Parse("192.0.2.7"), 443);
    private static readonly byte[] Http = Encoding.ASCII.GetBytes("GET http://www.example.com/index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n");

    private readonly byte[] _buffer = new byte[512];
    private readonly byte[] _datagram = new byte[512];
    private readonly byte[] _request = new byte[512];
    private readonly DnsRecord[] _records = [DnsRecord.Address(IPAddress.Parse("192.0.2.7"), 60)];
    private byte[] _query = [];
    private int _requestLength;

    /// <summary>Writes what is read.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        _query = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, .. "www"u8, 7, .. "example"u8, 3, .. "com"u8, 0, 0, 1, 0, 1];
        Check(SocksDatagram.TryWriteUdp(_datagram, Address, out _));
        Check(Socks5.TryWriteRequest(_request, SocksCommand.Connect, new SocksAddress("www.example.com", null, 443), out _requestLength));
    }

    /// <summary>SOCKS5: a request with a name.</summary>
    [Benchmark]
    public int SocksRequest()
    {
        Check(Socks5.TryParseRequest(_request.AsSpan(0, _requestLength), out _, out _, out int consumed) == ParseStatus.Done);
        return consumed;
    }

    /// <summary>SOCKS5: the header of a datagram with an IPv4 address, read.</summary>
    [Benchmark]
    public int SocksDatagramRead()
    {
        Check(SocksDatagram.TryParseUdp(_datagram, out _, out int length));
        return length;
    }

    /// <summary>SOCKS5: the same, written.</summary>
    [Benchmark]
    public int SocksDatagramWrite()
    {
        Check(SocksDatagram.TryWriteUdp(_buffer, Address, out int written));
        return written;
    }

    /// <summary>DNS: a query read, and answered with one address.</summary>
    [Benchmark]
    public byte[] DnsAnswer()
    {
        Check(DnsQuestion.TryParse(_query, out DnsQuestion question));
        return DnsResponse.Write(_query, question, DnsRcode.NoError, _records);
    }

    /// <summary>HTTP: the head of a request to a proxy.</summary>
    [Benchmark]
    public int HttpRequest()
    {
        Check(HttpRequestHead.TryParse(Http, out _, out int consumed) == ParseStatus.Done);
        return consumed;
    }

    private static void Check(bool good)
    {
        if (!good)
        {
            throw new InvalidOperationException("A good message is refused.");
        }
    }
}
