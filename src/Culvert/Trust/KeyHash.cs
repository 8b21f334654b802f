using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization;

namespace Culvert.Trust;

/// <summary>
/// What a device or gateway is known by: the SHA-256 of its public key in the form of certificates (SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7). In text it is base64url
/// without padding (RFC 4648 section 5), 43 characters.
/// </summary>
[JsonConverter(typeof(KeyHashConverter))]
public readonly record struct KeyHash
{
    /// <summary>Bytes of it.</summary>
    public const int Size = 32;

    /// <summary>Characters of its text.</summary>
    public const int TextSize = 43;

    private readonly UInt128 _high;
    private readonly UInt128 _low;

    private KeyHash(ReadOnlySpan<byte> bytes)
    {
        _high = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        _low = BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]);
    }

    /// <summary>That of a certificate's key, whatever else the certificate says.</summary>
    public static KeyHash Of(X509Certificate2 certificate) => new(SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()));

    /// <summary>From its <see cref="Size"/> bytes.</summary>
    public static KeyHash Read(ReadOnlySpan<byte> bytes) => bytes.Length == Size ? new KeyHash(bytes) : throw new ArgumentException("A key's hash has 32 bytes.", nameof(bytes));

    /// <summary>Reads its text; false for anything but the one way it is written.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out KeyHash hash)
    {
        Span<byte> bytes = stackalloc byte[Size + 1];
        hash = default;
        if (text.Length != TextSize || Base64Url.DecodeFromChars(text, bytes, out _, out int written) != OperationStatus.Done || written != Size)
        {
            return false;
        }

        hash = new KeyHash(bytes[..Size]);
        return text.SequenceEqual(hash.ToString());
    }

    /// <summary>Writes its <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt128BigEndian(bytes, _high);
        BinaryPrimitives.WriteUInt128BigEndian(bytes[16..], _low);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        return Base64Url.EncodeToString(bytes);
    }
}
