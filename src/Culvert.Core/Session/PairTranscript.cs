using System;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Culvert.Core.Session;

/// <summary>
/// What both sides compute while pairing (docs/protocol.md, Pairing), each from the keys that it saw itself: a man in the middle makes them differ.
/// </summary>
public sealed class PairTranscript
{
    private readonly byte[] _hash;

    /// <summary>The transcript of a pairing whose frames up to PAIR_REVEAL were exchanged. Keys are the SHA-256 of the SubjectPublicKeyInfo.</summary>
    public PairTranscript(Bytes32 deviceKey, Bytes32 gatewayKey, Bytes32 deviceNonce, Bytes32 gatewayNonce, string deviceName, string gatewayName)
    {
        ReadOnlySpan<byte> label = "VSHP 1 pairing"u8;
        Span<byte> bytes = stackalloc byte[14 + (4 * Bytes32.Size) + (2 * (1 + PairName.MaxSize))];
        label.CopyTo(bytes);
        int at = label.Length;
        foreach (Bytes32 value in (ReadOnlySpan<Bytes32>)[deviceKey, gatewayKey, deviceNonce, gatewayNonce])
        {
            value.Write(bytes[at..]);
            at += Bytes32.Size;
        }

        at += PairName.Write(deviceName, bytes[at..]);
        at += PairName.Write(gatewayName, bytes[at..]);
        _hash = SHA256.HashData(bytes[..at]);
    }

    /// <summary>Six digits that both persons compare.</summary>
    public string Digits
    {
        get
        {
            ulong number = BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData([.. "VSHP 1 digits"u8, .. _hash]));
            return (number % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
        }
    }

    /// <summary>What the device says before it sees the gateway's nonce, so that neither nonce can be chosen to fit.</summary>
    public static Bytes32 Commitment(Bytes32 deviceKey, Bytes32 gatewayKey, Bytes32 deviceNonce)
    {
        ReadOnlySpan<byte> label = "VSHP 1 commitment"u8;
        Span<byte> bytes = stackalloc byte[label.Length + (3 * Bytes32.Size)];
        label.CopyTo(bytes);
        deviceKey.Write(bytes[label.Length..]);
        gatewayKey.Write(bytes[(label.Length + Bytes32.Size)..]);
        deviceNonce.Write(bytes[(label.Length + (2 * Bytes32.Size))..]);
        return new Bytes32(SHA256.HashData(bytes));
    }

    /// <summary>That the device knows the secret.</summary>
    public Bytes32 DeviceProof(ReadOnlySpan<byte> secret) => Proof(secret, "VSHP 1 device"u8);

    /// <summary>That the gateway does.</summary>
    public Bytes32 GatewayProof(ReadOnlySpan<byte> secret) => Proof(secret, "VSHP 1 gateway"u8);

    private Bytes32 Proof(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> label) => new(HMACSHA256.HashData(secret, (byte[])[.. label, .. _hash]));
}
