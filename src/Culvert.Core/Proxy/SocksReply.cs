namespace Culvert.Core.Proxy;

/// <summary>The reply field of a SOCKS5 server (RFC 1928 section 6).</summary>
public enum SocksReply : byte
{
    /// <summary>Done.</summary>
    Succeeded = 0,

    /// <summary>General SOCKS server failure.</summary>
    GeneralFailure = 1,

    /// <summary>Connection not allowed by ruleset.</summary>
    NotAllowed = 2,

    /// <summary>Network unreachable.</summary>
    NetworkUnreachable = 3,

    /// <summary>Host unreachable.</summary>
    HostUnreachable = 4,

    /// <summary>Connection refused.</summary>
    Refused = 5,

    /// <summary>TTL expired; servers use it for "no answer in time".</summary>
    TtlExpired = 6,

    /// <summary>Command not supported.</summary>
    CommandNotSupported = 7,

    /// <summary>Address type not supported.</summary>
    AddressTypeNotSupported = 8,
}

/// <summary>The one place where SOCKS replies and <see cref="FailureKind"/> meet.</summary>
public static class SocksReplies
{
    /// <summary>What a SOCKS5 server tells its client about a failure.</summary>
    public static SocksReply From(FailureKind kind) => kind switch
    {
        FailureKind.Refused => SocksReply.Refused,
        FailureKind.HostUnreachable or FailureKind.NameNotFound => SocksReply.HostUnreachable,
        FailureKind.NetworkUnreachable => SocksReply.NetworkUnreachable,
        FailureKind.TimedOut => SocksReply.TtlExpired,
        FailureKind.Prohibited or FailureKind.Privilege => SocksReply.NotAllowed,
        FailureKind.NotCarried => SocksReply.CommandNotSupported,
        _ => SocksReply.GeneralFailure,
    };

    /// <summary>What a server's reply (not <see cref="SocksReply.Succeeded"/>) means to us as its client.</summary>
    public static FailureKind ToFailure(SocksReply reply) => reply switch
    {
        SocksReply.NotAllowed => FailureKind.Prohibited,
        SocksReply.NetworkUnreachable => FailureKind.NetworkUnreachable,
        SocksReply.Refused => FailureKind.Refused,
        SocksReply.TtlExpired => FailureKind.TimedOut,
        SocksReply.CommandNotSupported or SocksReply.AddressTypeNotSupported => FailureKind.NotCarried,
        // A general failure says nothing: whoever asked learns that the host could not be reached.
        _ => FailureKind.HostUnreachable,
    };

    /// <summary>A reply in words.</summary>
    public static string Describe(SocksReply reply) => reply switch
    {
        SocksReply.Succeeded => "succeeded",
        SocksReply.GeneralFailure => "general failure",
        SocksReply.NotAllowed => "not allowed by its rules",
        SocksReply.NetworkUnreachable => "network unreachable",
        SocksReply.HostUnreachable => "host unreachable",
        SocksReply.Refused => "connection refused",
        SocksReply.TtlExpired => "no answer in time",
        SocksReply.CommandNotSupported => "command not supported",
        SocksReply.AddressTypeNotSupported => "address type not supported",
        _ => $"unknown reply {(byte)reply}",
    };
}
