using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Transports;

namespace Culvert.Fuzz.Targets;

/// <summary>The first bytes on a gateway's TLS port: whatever they are, what was decided once does not change with what follows.</summary>
internal sealed class ClientHelloTarget : IFuzzTarget
{
    public static FuzzTarget Entry { get; } = new("client-hello", "the first bytes of TLS, from which devices and web browsers are told apart", Corpus, static _ => new ClientHelloTarget());

    public void Run(ReadOnlySpan<byte> input)
    {
        ReadOnlySpan<byte> protocol = TlsProtocols.Vshp.Protocol.Span;
        ClientHelloKind whole = ClientHello.Read(input, protocol);
        int cut = input.Length == 0 ? 0 : input[^1] * input.Length / 256;
        ClientHelloKind part = ClientHello.Read(input[..cut], protocol);
        Expect.That(part == ClientHelloKind.Incomplete || part == whole || input.Length > ClientHello.MaxSize, "a decision stands");
    }

    public void Finish()
    {
    }

    private static List<byte[]> Corpus() => [Hello([.. "culvert/1"u8]), Hello([.. "http/1.1"u8]), [.. "GET / HTTP/1.1\r\n\r\n"u8], [.. "SSH-2.0-OpenSSH_9.2\r\n"u8], []];

    private static byte[] Hello(byte[] protocol)
    {
        byte[] alpn = [0, 16, 0, (byte)(protocol.Length + 3), 0, (byte)(protocol.Length + 1), (byte)protocol.Length, .. protocol];
        byte[] extensions = [0, 43, 0, 3, 2, 3, 4, .. alpn];
        byte[] body = [3, 3, .. new byte[32], 2, 7, 7, 0, 2, 0x13, 1, 1, 0, 0, (byte)extensions.Length, .. extensions];
        byte[] record = [22, 3, 1, 0, 0, 1, 0, 0, (byte)body.Length, .. body];
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(3), (ushort)(record.Length - 5));
        return record;
    }
}
