using System;
using System.Text;

namespace Culvert.Core.Proxy;

/// <summary>The request line and fields of an HTTP/1.x request (RFC 9112 section 3) as a proxy sees it.</summary>
public sealed class HttpRequestHead
{
    private HttpRequestHead(string method, string target, int minorVersion, HttpFields fields, HttpBody body)
    {
        Method = method;
        Target = target;
        MinorVersion = minorVersion;
        Fields = fields;
        Body = body;
    }

    /// <summary>The method, as it was written: methods are case-sensitive.</summary>
    public string Method { get; }

    /// <summary>The target, as it was written.</summary>
    public string Target { get; }

    /// <summary>1 for HTTP/1.1, 0 for HTTP/1.0.</summary>
    public int MinorVersion { get; }

    /// <summary>The header fields.</summary>
    public HttpFields Fields { get; }

    /// <summary>How the body ends.</summary>
    public HttpBody Body { get; }

    /// <summary>Whether the client wants the connection kept for another request (RFC 9112 section 9.3).</summary>
    public bool KeepsAlive => MinorVersion == 1
        ? !Fields.Has("Connection", "close") && !Fields.Has("Proxy-Connection", "close")
        : Fields.Has("Connection", "keep-alive") || Fields.Has("Proxy-Connection", "keep-alive");

    /// <summary>Whether the request asks to go on in another protocol (RFC 9110 section 7.8); with several Upgrade fields it does not.</summary>
    public bool Upgrades => MinorVersion == 1 && Fields.Has("Connection", "upgrade") && Fields.Count("Upgrade", out _) == 1;

    /// <summary>Reads a request's head from the start of <paramref name="data"/>.</summary>
    public static ParseStatus TryParse(ReadOnlySpan<byte> data, out HttpRequestHead? head, out int consumed)
    {
        head = null;
        ParseStatus status = HttpFields.TryParseHead(data, out string line, out HttpFields fields, out consumed);
        if (status != ParseStatus.Done)
        {
            return status;
        }

        string[] parts = line.Split(' ');
        if (parts.Length != 3 || parts[1].Length == 0 || !HttpFields.IsToken(Encoding.Latin1.GetBytes(parts[0])) || parts[2] is not ("HTTP/1.1" or "HTTP/1.0"))
        {
            return ParseStatus.Malformed;
        }

        int minor = parts[2][^1] - '0';
        if (!HttpBody.TryOfRequest(fields, minor, out HttpBody body) || fields.Count("Host", out _) > 1)
        {
            return ParseStatus.Malformed;
        }

        head = new HttpRequestHead(parts[0], parts[1], minor, fields, body);
        return ParseStatus.Done;
    }

    /// <summary>The destination of a CONNECT request: <c>host:port</c> (RFC 9112 section 3.2.3).</summary>
    public bool TryGetConnectTarget(out string host, out ushort port) => HttpAuthority.TryParse(Target, 0, out host, out port) && port != 0;

    /// <summary>
    /// The destination of a request in absolute form (RFC 9112 section 3.2.2) and its target in origin form. Only <c>http</c> URIs: what is
    /// encrypted goes by CONNECT.
    /// </summary>
    public bool TryGetAbsoluteTarget(out string host, out ushort port, out string authority, out string originForm)
    {
        host = "";
        port = 0;
        authority = "";
        originForm = "";
        const string scheme = "http://";
        if (!Target.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) || Target.Contains('#', StringComparison.Ordinal))
        {
            return false;
        }

        int end = Target.AsSpan(scheme.Length).IndexOfAny('/', '?');
        authority = end < 0 ? Target[scheme.Length..] : Target.Substring(scheme.Length, end);
        string path = end < 0 ? "" : Target[(scheme.Length + end)..];
        // RFC 9112 section 3.2.4: OPTIONS of a whole server is written with an asterisk.
        originForm = path.Length == 0 ? (Method == "OPTIONS" ? "*" : "/") : path[0] == '?' ? "/" + path : path;
        return HttpAuthority.TryParse(authority, 80, out host, out port);
    }

    /// <summary>
    /// The head to send to the origin: <paramref name="originForm"/>, Host from the target (RFC 9112 section 3.2.2), without what is between the
    /// client and us; an upgrade is asked for again. The version stays the client's, as the answer is passed on in its form. Changes <see cref="Fields"/>: call once.
    /// </summary>
    public byte[] ToOrigin(string authority, string originForm)
    {
        string? upgrade = Upgrades && Fields.Count("Upgrade", out string protocols) == 1 ? protocols : null;
        Fields.RemoveHopByHop();
        Fields.Remove("Host");
        StringBuilder text = new();
        text.Append(Method).Append(' ').Append(originForm).Append(" HTTP/1.").Append(MinorVersion).Append("\r\nHost: ").Append(authority).Append("\r\n");
        if (upgrade is not null)
        {
            text.Append("Connection: Upgrade\r\nUpgrade: ").Append(upgrade).Append("\r\n");
        }

        Fields.WriteTo(text);
        return Encoding.Latin1.GetBytes(text.ToString());
    }
}
