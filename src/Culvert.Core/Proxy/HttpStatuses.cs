using System;

namespace Culvert.Core.Proxy;

/// <summary>
/// The one place where HTTP statuses of proxies and <see cref="FailureKind"/> meet. The status alone says little, so the error type of Proxy-Status
/// (RFC 9209 section 2.3) is written and read too: a chain of two of us keeps "refused" apart from "unreachable".
/// </summary>
public static class HttpStatuses
{
    /// <summary>The field that carries the error type.</summary>
    public const string ProxyStatus = "Proxy-Status";

    /// <summary>What an HTTP proxy tells its client about a failure: status, its words, and RFC 9209's error type.</summary>
    public static (int Status, string Reason, string Error) From(FailureKind kind) => kind switch
    {
        FailureKind.Refused => (502, "Bad Gateway", "connection_refused"),
        FailureKind.HostUnreachable => (502, "Bad Gateway", "destination_unavailable"),
        FailureKind.NetworkUnreachable => (502, "Bad Gateway", "destination_ip_unroutable"),
        FailureKind.NameNotFound => (502, "Bad Gateway", "dns_error"),
        FailureKind.Reset => (502, "Bad Gateway", "connection_terminated"),
        FailureKind.TimedOut => (504, "Gateway Timeout", "connection_timeout"),
        FailureKind.Prohibited or FailureKind.Privilege => (403, "Forbidden", "http_request_denied"),
        FailureKind.NotCarried => (501, "Not Implemented", "http_request_error"),
        FailureKind.LimitReached => (503, "Service Unavailable", "connection_limit_reached"),
        FailureKind.ExitUnreachable or FailureKind.Authentication or FailureKind.Untrusted => (502, "Bad Gateway", "proxy_configuration_error"),
        FailureKind.Protocol => (502, "Bad Gateway", "http_protocol_error"),
        _ => (500, "Internal Server Error", "proxy_internal_error"),
    };

    /// <summary>What a proxy's answer to CONNECT (not 2xx) means to us as its client.</summary>
    public static FailureKind ToFailure(HttpResponseHead head)
    {
        ArgumentNullException.ThrowIfNull(head);
        if (head.Status != 407 && head.Fields.Count(ProxyStatus, out string text) == 1 && ToFailure(text) is { } told)
        {
            return told;
        }

        return head.Status switch
        {
            407 or 401 => FailureKind.Authentication,
            403 or 405 => FailureKind.Prohibited,
            408 or 504 => FailureKind.TimedOut,
            429 => FailureKind.LimitReached,
            501 => FailureKind.NotCarried,
            _ => FailureKind.HostUnreachable,
        };
    }

    private static FailureKind? ToFailure(string proxyStatus)
    {
        const string key = "error=";
        int at = proxyStatus.IndexOf(key, StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        ReadOnlySpan<char> token = proxyStatus.AsSpan(at + key.Length);
        int end = token.IndexOfAny(';', ',', ' ');
        return (end < 0 ? token : token[..end]) switch
        {
            "connection_refused" => FailureKind.Refused,
            "destination_unavailable" or "destination_not_found" => FailureKind.HostUnreachable,
            "destination_ip_unroutable" => FailureKind.NetworkUnreachable,
            "dns_error" or "dns_timeout" => FailureKind.NameNotFound,
            "connection_terminated" => FailureKind.Reset,
            "connection_timeout" => FailureKind.TimedOut,
            "destination_ip_prohibited" or "http_request_denied" => FailureKind.Prohibited,
            "connection_limit_reached" => FailureKind.LimitReached,
            _ => null,
        };
    }
}
