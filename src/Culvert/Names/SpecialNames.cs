using System;
using System.Net;
using Culvert.Core.Dns;

namespace Culvert.Names;

/// <summary>Names that no server is asked about, whatever the policy (RFC 6761, RFC 7686).</summary>
internal static class SpecialNames
{
    private const uint Ttl = 3600;

    /// <summary>The last label of <paramref name="name"/>.</summary>
    public static ReadOnlySpan<char> TopLabel(string name) => name.AsSpan(name.LastIndexOf('.') + 1);

    /// <summary>
    /// Answers <paramref name="question"/> of <paramref name="query"/> here if its name is special: <c>localhost</c> is this host, <c>invalid</c> does not exist, and
    /// <c>onion</c> only where <paramref name="onionPasses"/>.
    /// </summary>
    public static bool TryAnswer(ReadOnlySpan<byte> query, in DnsQuestion question, bool onionPasses, out byte[] answer)
    {
        answer = [];
        switch (TopLabel(question.Name))
        {
            case "localhost":
                answer = question.Type switch
                {
                    DnsType.A => DnsResponse.Write(query, question, DnsRcode.NoError, DnsRecord.Address(IPAddress.Loopback, Ttl)),
                    DnsType.Aaaa => DnsResponse.Write(query, question, DnsRcode.NoError, DnsRecord.Address(IPAddress.IPv6Loopback, Ttl)),
                    _ => DnsResponse.Write(query, question, DnsRcode.NoError),
                };
                return true;
            case "invalid":
            case "onion" when !onionPasses:
                answer = DnsResponse.Write(query, question, DnsRcode.NxDomain);
                return true;
            case "arpa" when question.Type == DnsType.Ptr && ReverseName.TryParse(question.Name, out IPAddress? address) && IPAddress.IsLoopback(address!):
                answer = DnsResponse.Write(query, question, DnsRcode.NoError, DnsRecord.Pointer("localhost", Ttl));
                return true;
            default:
                return false;
        }
    }
}
