using System;
using System.Net;
using System.Threading;
using Culvert.Core.Dns;

namespace Culvert.Names;

/// <summary>
/// <c>--dns virtual</c>: every host name gets fake addresses, and the name goes to the exit with the connection. Nothing is asked of anybody, so a name that does not
/// exist shows only when somebody connects. Safe for use from many threads.
/// </summary>
internal sealed class VirtualNames(FakeAddressOptions options, TimeProvider time)
{
    // RFC 7050 section 8.1: how clients look for an IPv6-only network's translator. There is none here.
    private const string TranslatorProbe = "ipv4only.arpa";

    // Asked by Firefox, which takes a name that does not exist as the wish not to send names around the system's resolver.
    private const string BrowserProbe = "use-application-dns.net";

    private static readonly IPAddress[] TranslatorProbeAddresses = [new([192, 0, 0, 170]), new([192, 0, 0, 171])];

    private readonly FakeAddressTable _table = new(options);
    private readonly Lock _gate = new();
    private readonly long _start = time.GetTimestamp();

    private long Now => (long)time.GetElapsedTime(_start).TotalMicroseconds;

    /// <summary>The answer to <paramref name="question"/> of <paramref name="query"/>.</summary>
    public byte[] Answer(ReadOnlySpan<byte> query, in DnsQuestion question)
    {
        if (question.Class != DnsQuestion.Internet)
        {
            return DnsResponse.Write(query, question, DnsRcode.Refused);
        }

        string name = question.Name;
        if (question.Type == DnsType.Ptr)
        {
            return AnswerPointer(query, question);
        }

        if (name == TranslatorProbe)
        {
            return question.Type == DnsType.A
                ? DnsResponse.Write(
                    query, question, DnsRcode.NoError, DnsRecord.Address(TranslatorProbeAddresses[0], options.Ttl), DnsRecord.Address(TranslatorProbeAddresses[1], options.Ttl))
                : DnsResponse.Write(query, question, DnsRcode.NoError);
        }

        bool isAddressType = question.Type is DnsType.A or DnsType.Aaaa;
        if (name == BrowserProbe || !CanExist(name) || (isAddressType && !IsHostName(name)))
        {
            return DnsResponse.Write(query, question, DnsRcode.NxDomain);
        }

        // Other types, HTTPS and SVCB among them, are "none" so that clients go on with the addresses.
        return isAddressType ? AnswerAddress(query, question) : DnsResponse.Write(query, question, DnsRcode.NoError);
    }

    /// <summary>The name behind <paramref name="address"/>; null with true for an address of the blocks that nobody has, false for one outside them.</summary>
    public bool TryRestore(IPAddress address, out string? name)
    {
        lock (_gate)
        {
            return _table.TryFind(address, Now, out name) || _table.Covers(address);
        }
    }

    private static bool CanExist(string name)
    {
        ReadOnlySpan<char> top = SpecialNames.TopLabel(name);

        // .local belongs to multicast DNS (RFC 6762); of .arpa only home.arpa holds hosts (RFC 8375); digits at the top are an address that went astray.
        bool isInfrastructure = top is "arpa" && name != "home.arpa" && !name.EndsWith(".home.arpa", StringComparison.Ordinal);
        return top is not "local" && !isInfrastructure && (name.Length == 0 || (top.ContainsAnyExceptInRange('0', '9') && !IPAddress.TryParse(name, out _)));
    }

    /// <summary>Only such names can go to an exit as a host: letters, digits, hyphens and underscores (RFC 1123 section 2.1, and practice).</summary>
    private static bool IsHostName(string name)
    {
        if (name.Length == 0)
        {
            return false;
        }

        foreach (char c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return true;
    }

    private byte[] AnswerAddress(ReadOnlySpan<byte> query, in DnsQuestion question)
    {
        FakeAddresses addresses;
        lock (_gate)
        {
            if (!_table.TryGive(question.Name, Now, out addresses))
            {
                return DnsResponse.Write(query, question, DnsRcode.ServFail);
            }
        }

        IPAddress address = question.Type == DnsType.A ? addresses.V4 : addresses.V6;
        return DnsResponse.Write(query, question, DnsRcode.NoError, DnsRecord.Address(address, options.Ttl));
    }

    private byte[] AnswerPointer(ReadOnlySpan<byte> query, in DnsQuestion question)
    {
        string? name = null;
        if (ReverseName.TryParse(question.Name, out IPAddress? address))
        {
            lock (_gate)
            {
                _table.TryFind(address!, Now, out name);
            }
        }

        return name is null
            ? DnsResponse.Write(query, question, DnsRcode.NxDomain)
            : DnsResponse.Write(query, question, DnsRcode.NoError, DnsRecord.Pointer(name, options.Ttl));
    }
}
