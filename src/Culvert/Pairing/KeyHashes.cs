using System;
using Culvert.Core.Session;
using Culvert.Trust;

namespace Culvert.Pairing;

/// <summary>A key's hash as the core has it, and back.</summary>
public static class KeyHashes
{
    /// <summary>For the core.</summary>
    public static Bytes32 ToBytes32(this KeyHash hash)
    {
        Span<byte> bytes = stackalloc byte[KeyHash.Size];
        hash.Write(bytes);
        return new Bytes32(bytes);
    }

    /// <summary>From the core.</summary>
    public static KeyHash ToKeyHash(this Bytes32 hash)
    {
        Span<byte> bytes = stackalloc byte[Bytes32.Size];
        hash.Write(bytes);
        return KeyHash.Read(bytes);
    }
}
