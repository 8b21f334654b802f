namespace Culvert.Core.Dns;

/// <summary>How an answer went (RFC 1035 section 4.1.1; 16 and above need EDNS, RFC 6891 section 6.1.3).</summary>
public enum DnsRcode
{
    /// <summary>Answered; without records it says that the name has none of that type.</summary>
    NoError = 0,

    /// <summary>The query could not be read.</summary>
    FormErr = 1,

    /// <summary>The way to an answer failed; asking again may help.</summary>
    ServFail = 2,

    /// <summary>The name does not exist.</summary>
    NxDomain = 3,

    /// <summary>This kind of query is not known here.</summary>
    NotImp = 4,

    /// <summary>Not answered as a matter of policy.</summary>
    Refused = 5,

    /// <summary>A version of EDNS that is not known here.</summary>
    BadVersion = 16,
}
