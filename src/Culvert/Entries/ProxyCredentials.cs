using System;
using System.Security.Cryptography;
using System.Text;

namespace Culvert.Entries;

/// <summary>User name and password of a proxy entry.</summary>
public sealed class ProxyCredentials
{
    private readonly byte[] _user;
    private readonly byte[] _password;

    /// <summary>Both of 1 to 255 bytes of UTF-8, as SOCKS5 wants it; the name without a colon, as HTTP does.</summary>
    public ProxyCredentials(string user, string password)
    {
        _user = Encoding.UTF8.GetBytes(user);
        _password = Encoding.UTF8.GetBytes(password);
        if (_user.Length is 0 or > 255 || _password.Length is 0 or > 255 || user.Contains(':', StringComparison.Ordinal))
        {
            throw new Core.CulvertException(
                Core.FailureKind.Usage, "The proxy's user name and password take 1 to 255 bytes each, and the name holds no colon. Choose others.");
        }
    }

    /// <summary>Whether these are they; takes as long for a near miss as for a far one.</summary>
    internal bool Match(ReadOnlySpan<byte> user, ReadOnlySpan<byte> password)
    {
        // Hashed first, so that not even the length shows.
        Span<byte> hashes = stackalloc byte[4 * SHA256.HashSizeInBytes];
        SHA256.HashData(user, hashes);
        SHA256.HashData(_user, hashes[32..]);
        SHA256.HashData(password, hashes[64..]);
        SHA256.HashData(_password, hashes[96..]);
        return CryptographicOperations.FixedTimeEquals(hashes[..32], hashes[32..64])
            & CryptographicOperations.FixedTimeEquals(hashes[64..96], hashes[96..]);
    }

    /// <summary>The same for a field <c>Basic …</c> (RFC 7617).</summary>
    internal bool MatchBasic(string field)
    {
        const string scheme = "Basic ";
        if (!field.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        ReadOnlySpan<char> encoded = field.AsSpan(scheme.Length).Trim();
        Span<byte> decoded = new byte[(encoded.Length / 4 * 3) + 3];
        if (!Convert.TryFromBase64Chars(encoded, decoded, out int length))
        {
            return false;
        }

        int colon = decoded[..length].IndexOf((byte)':');
        return colon >= 0 && Match(decoded[..colon], decoded[(colon + 1)..length]);
    }
}
