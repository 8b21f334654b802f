using System;
using System.Globalization;

namespace Culvert.Core.Proxy;

/// <summary>How a message's body ends.</summary>
public enum HttpBodyKind : byte
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>After so many bytes.</summary>
    Length,

    /// <summary>With the last chunk and its trailers.</summary>
    Chunked,

    /// <summary>With the connection (responses only).</summary>
    UntilClose,
}

/// <summary>
/// The length of a message's body (RFC 9112 section 6.3). Both Content-Length and Transfer-Encoding, or either in more than one reading, are
/// refused rather than repaired: they are how requests are smuggled (RFC 9112 section 11.2).
/// </summary>
/// <param name="Kind">How it ends.</param>
/// <param name="Length">Bytes, for <see cref="HttpBodyKind.Length"/>.</param>
public readonly record struct HttpBody(HttpBodyKind Kind, long Length = 0)
{
    internal static bool TryOfRequest(HttpFields fields, int minorVersion, out HttpBody body)
    {
        body = default;
        int encodings = fields.Count("Transfer-Encoding", out string encoding);
        if (encodings == 0)
        {
            return TryLength(fields, new HttpBody(HttpBodyKind.None), out body);
        }

        body = new HttpBody(HttpBodyKind.Chunked);
        return encodings == 1 && minorVersion == 1 && encoding.Equals("chunked", StringComparison.OrdinalIgnoreCase) && fields.Count("Content-Length", out _) == 0;
    }

    internal static bool TryOfResponse(HttpFields fields, int minorVersion, int status, string method, out HttpBody body)
    {
        body = default;
        if (method == "HEAD" || status is < 200 or 204 or 304)
        {
            return true;
        }

        int encodings = fields.Count("Transfer-Encoding", out string encoding);
        if (encodings == 0)
        {
            return TryLength(fields, new HttpBody(HttpBodyKind.UntilClose), out body);
        }

        bool chunked = encoding[(encoding.LastIndexOf(',') + 1)..].Trim().Equals("chunked", StringComparison.OrdinalIgnoreCase);
        body = new HttpBody(chunked ? HttpBodyKind.Chunked : HttpBodyKind.UntilClose);
        return encodings == 1 && minorVersion == 1 && fields.Count("Content-Length", out _) == 0;
    }

    private static bool TryLength(HttpFields fields, HttpBody without, out HttpBody body)
    {
        body = without;
        int count = fields.Count("Content-Length", out string text);
        if (count == 0)
        {
            return true;
        }

        if (count != 1 || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long length))
        {
            return false;
        }

        body = length == 0 ? new HttpBody(HttpBodyKind.None) : new HttpBody(HttpBodyKind.Length, length);
        return true;
    }
}
