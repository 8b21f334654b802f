namespace Culvert.Core.Dns;

/// <summary>The record types that Culvert itself writes or answers; every other number passes through as it is.</summary>
public enum DnsType : ushort
{
    /// <summary>An IPv4 address (RFC 1035).</summary>
    A = 1,

    /// <summary>The name of an address (RFC 1035).</summary>
    Ptr = 12,

    /// <summary>Text (RFC 1035).</summary>
    Txt = 16,

    /// <summary>An IPv6 address (RFC 3596).</summary>
    Aaaa = 28,

    /// <summary>Where a service is (RFC 2782).</summary>
    Srv = 33,

    /// <summary>The pseudo-record of EDNS (RFC 6891).</summary>
    Opt = 41,

    /// <summary>Service binding (RFC 9460).</summary>
    Svcb = 64,

    /// <summary>Service binding for HTTPS (RFC 9460).</summary>
    Https = 65,

    /// <summary>All types; in questions only (RFC 1035 section 3.2.3).</summary>
    Any = 255,
}
