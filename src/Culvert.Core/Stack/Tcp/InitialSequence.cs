using System;
using System.Buffers.Binary;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack.Tcp;

/// <summary>Initial sequence numbers (RFC 6528) and the offset of a connection's timestamps (RFC 7323 section 5.4), by SipHash over the four-tuple.</summary>
internal sealed class InitialSequence
{
    private readonly byte[] _secret;

    /// <param name="secret">A key; of a longer one, its end.</param>
    public InitialSequence(ReadOnlySpan<byte> secret) => _secret = secret[^SipHash.KeySize..].ToArray();

    /// <summary>Numbers for a connection that opens at <paramref name="now"/>.</summary>
    public (uint Sequence, uint TimestampOffset) Next(IpEndpoint source, IpEndpoint destination, long now)
    {
        Span<byte> tuple = stackalloc byte[36];
        BinaryPrimitives.WriteUInt128BigEndian(tuple, source.Address.Bits);
        BinaryPrimitives.WriteUInt128BigEndian(tuple[16..], destination.Address.Bits);
        BinaryPrimitives.WriteUInt16BigEndian(tuple[32..], source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(tuple[34..], destination.Port);
        ulong hash = SipHash.Compute(_secret, tuple);
        uint clock = (uint)(now / 4); // M of RFC 6528 section 3: one every 4 microseconds
        return ((uint)(hash >> 32) + clock, (uint)hash);
    }
}
