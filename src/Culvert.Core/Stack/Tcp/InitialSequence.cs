using System;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack.Tcp;

/// <summary>Initial sequence numbers (RFC 6528) and the offset of a connection's timestamps (RFC 7323 section 5.4), by HMAC-SHA-256 over the four-tuple.</summary>
internal sealed class InitialSequence
{
    private readonly byte[] _secret;

    public InitialSequence(ReadOnlySpan<byte> secret) => _secret = secret.ToArray();

    /// <summary>Numbers for a connection that opens at <paramref name="now"/>.</summary>
    public (uint Sequence, uint TimestampOffset) Next(IpEndpoint source, IpEndpoint destination, long now)
    {
        Span<byte> tuple = stackalloc byte[36];
        BinaryPrimitives.WriteUInt128BigEndian(tuple, source.Address.Bits);
        BinaryPrimitives.WriteUInt128BigEndian(tuple[16..], destination.Address.Bits);
        BinaryPrimitives.WriteUInt16BigEndian(tuple[32..], source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(tuple[34..], destination.Port);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_secret, tuple, hash);
        uint clock = (uint)(now / 4); // M of RFC 6528 section 3: one every 4 microseconds
        return (BinaryPrimitives.ReadUInt32BigEndian(hash) + clock, BinaryPrimitives.ReadUInt32BigEndian(hash[4..]));
    }
}
