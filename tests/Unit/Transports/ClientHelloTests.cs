using System;
using System.Buffers.Binary;
using System.IO;
using System.Net.Security;
using System.Text;
using System.Threading.Tasks;
using Culvert.Transports;
using Xunit;

namespace Culvert.Tests.Unit.Transports;

public sealed class ClientHelloTests
{
    [Fact]
    public async Task OpenSslsOwnIsIncompleteAtEachByteAndThenSaysWhatItOffers()
    {
        byte[] device = await HelloAsync(SslApplicationProtocol.Http2, TlsProtocols.Vshp);
        byte[] browser = await HelloAsync(SslApplicationProtocol.Http2, SslApplicationProtocol.Http11);
        byte[] plain = await HelloAsync();
        for (int length = 0; length < device.Length; length++)
        {
            Assert.Equal(ClientHelloKind.Incomplete, Read(device[..length]));
        }

        Assert.Equal(ClientHelloKind.Offers, Read(device));
        Assert.Equal(ClientHelloKind.Offers, Read([.. device, 1, 2, 3]));
        Assert.Equal(ClientHelloKind.Without, Read(browser));
        Assert.Equal(ClientHelloKind.Without, Read(plain));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(100)]
    public async Task OneInSeveralRecordsIsTheSame(int first)
    {
        byte[] hello = await HelloAsync(TlsProtocols.Vshp);
        byte[] message = hello[5..];
        byte[] cut = [.. Record(message[..first]), .. Record(message[first..])];
        Assert.Equal(ClientHelloKind.Incomplete, Read(cut[..^1]));
        Assert.Equal(ClientHelloKind.Offers, Read(cut));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("SSH-2.0-x\r\n")]
    [InlineData("\u0016\u0003\u0001\0\0")]
    [InlineData("\u0016\u0002\u0001\0\u0005hello")]
    [InlineData("\u0016\u0003\u0001\0\u0005hello")]
    [InlineData("\u0016\u0003\u0001\0\u0005\u0001\0\0\u0001x")]
    public void AnythingElseIsForeign(string text) => Assert.Equal(ClientHelloKind.Foreign, Read(Encoding.Latin1.GetBytes(text)));

    private static ClientHelloKind Read(byte[] bytes) => ClientHello.Read(bytes, TlsProtocols.Vshp.Protocol.Span);

    private static byte[] Record(byte[] content)
    {
        byte[] record = [22, 3, 1, 0, 0, .. content];
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(3), (ushort)content.Length);
        return record;
    }

    /// <summary>What a client of this system says first.</summary>
    private static async Task<byte[]> HelloAsync(params SslApplicationProtocol[] protocols)
    {
        using Recorder recorder = new();
        using SslStream tls = new(recorder);
        await Assert.ThrowsAnyAsync<IOException>(() => tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "home.example", ApplicationProtocols = [.. protocols] }));
        return recorder.ToArray();
    }

    /// <summary>Takes what is written, and ends where an answer is read.</summary>
    private sealed class Recorder : MemoryStream
    {
        public override int Read(Span<byte> buffer) => 0;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, System.Threading.CancellationToken cancellationToken = default) => new(0);
    }
}
