using System;
using System.Globalization;
using System.Text;

namespace Culvert.Core.Proxy;

/// <summary>The status line and fields of an HTTP/1.x response (RFC 9112 section 4).</summary>
public sealed class HttpResponseHead
{
    private HttpResponseHead(int status, string reason, int minorVersion, HttpFields fields)
    {
        Status = status;
        Reason = reason;
        MinorVersion = minorVersion;
        Fields = fields;
    }

    /// <summary>The status code, 100 to 999.</summary>
    public int Status { get; }

    /// <summary>The words behind it; may be empty.</summary>
    public string Reason { get; }

    /// <summary>1 for HTTP/1.1, 0 for HTTP/1.0.</summary>
    public int MinorVersion { get; }

    /// <summary>The header fields.</summary>
    public HttpFields Fields { get; }

    /// <summary>Whether the server keeps the connection for another request.</summary>
    public bool KeepsAlive => MinorVersion == 1 ? !Fields.Has("Connection", "close") : Fields.Has("Connection", "keep-alive");

    /// <summary>Reads a response's head from the start of <paramref name="data"/>.</summary>
    public static ParseStatus TryParse(ReadOnlySpan<byte> data, out HttpResponseHead? head, out int consumed)
    {
        head = null;
        ParseStatus status = HttpFields.TryParseHead(data, out string line, out HttpFields fields, out consumed);
        if (status != ParseStatus.Done)
        {
            // Whatever does not begin like HTTP never will: it would be waited for in vain.
            ReadOnlySpan<byte> start = "HTTP/1."u8;
            int shown = Math.Min(data.Length, start.Length);
            return status == ParseStatus.NeedMore && !data[..shown].SequenceEqual(start[..shown]) && !data.StartsWith("\r"u8) ? ParseStatus.Malformed : status;
        }

        if (line.Length < 12 || !line.StartsWith("HTTP/1.", StringComparison.Ordinal) || line[7] is not ('0' or '1') || line[8] != ' '
            || (line.Length > 12 && line[12] != ' ')
            || !int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int code) || code < 100)
        {
            return ParseStatus.Malformed;
        }

        head = new HttpResponseHead(code, line.Length > 13 ? line[13..] : "", line[7] - '0', fields);
        return ParseStatus.Done;
    }

    /// <summary>How the body of this answer to a request of <paramref name="method"/> ends; false when that cannot be said for sure.</summary>
    public bool TryGetBody(string method, out HttpBody body) => HttpBody.TryOfResponse(Fields, MinorVersion, Status, method, out body);

    /// <summary>
    /// The head to send to the client: without what is between the origin and us, and with Connection saying whether ours is kept. The protocols of
    /// an upgrade (101, 426) stay. Changes <see cref="Fields"/>: call once.
    /// </summary>
    public byte[] ToClient(bool keepAlive)
    {
        string? upgrade = Status is 101 or 426 && Fields.Count("Upgrade", out string protocols) == 1 ? protocols : null;
        Fields.RemoveHopByHop();
        StringBuilder text = new();
        text.Append("HTTP/1.1 ").Append(Status.ToString(CultureInfo.InvariantCulture)).Append(' ').Append(Reason).Append("\r\n");
        if (upgrade is not null)
        {
            text.Append("Upgrade: ").Append(upgrade).Append("\r\n");
        }

        if (Status >= 200 || upgrade is not null)
        {
            text.Append("Connection: ").Append(Status == 101 ? "Upgrade" : keepAlive ? "keep-alive" : "close").Append("\r\n");
        }

        Fields.WriteTo(text);
        return Encoding.Latin1.GetBytes(text.ToString());
    }
}
