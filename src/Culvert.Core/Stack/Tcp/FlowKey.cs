using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Culvert.Core.Packets;

namespace Culvert.Core.Stack.Tcp;

/// <summary>What tells one TCP connection from another.</summary>
internal readonly record struct FlowKey(IpEndpoint Source, IpEndpoint Destination);

/// <summary>Hashes that whoever chooses ports and addresses cannot aim: multiply and fold, keyed by the stack's secret.</summary>
internal sealed class KeyedComparer : IEqualityComparer<FlowKey>, IEqualityComparer<IpEndpoint>
{
    private readonly ulong _first;
    private readonly ulong _second;

    public KeyedComparer(ReadOnlySpan<byte> secret)
    {
        _first = BinaryPrimitives.ReadUInt64LittleEndian(secret) | 1;
        _second = BinaryPrimitives.ReadUInt64LittleEndian(secret[8..]) | 1;
    }

    public bool Equals(FlowKey x, FlowKey y) => x == y;

    public int GetHashCode(FlowKey key) => (int)Mix(Hash(key.Source), Hash(key.Destination) ^ _second);

    public bool Equals(IpEndpoint x, IpEndpoint y) => x == y;

    public int GetHashCode(IpEndpoint endpoint) => (int)Hash(endpoint);

    private ulong Hash(IpEndpoint endpoint)
    {
        UInt128 bits = endpoint.Address.Bits;
        return Mix(Mix((ulong)(bits >> 64) ^ _second, (ulong)bits ^ _first), endpoint.Port ^ _second);
    }

    private ulong Mix(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a ^ _first, b, out ulong low);
        return high ^ low;
    }
}
